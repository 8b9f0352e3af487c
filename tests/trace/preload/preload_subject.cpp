// preload_subject WHAT: a program that knows malloc and perhaps the marks, and nothing else of mayfly.

#include <mayfly/trace/marks.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace {

void begin(char const* route) {
  if (mayfly_request_begin) mayfly_request_begin(route);
}
void end() {
  if (mayfly_request_end) mayfly_request_end();
}

void* grown(void* memory, std::size_t bytes) {
  void* const moved = std::realloc(memory, bytes);
  if (moved == nullptr) std::abort();
  return moved;
}

/// preload_test.cpp knows what of these an arena would be told.
void every_operation() {
  begin("every");
  void* const first = std::malloc(100);
  void* const second = std::malloc(50);
  void* const third = std::calloc(3, 8);
  std::free(third);
  std::free(first);  // not the last one: it stays
  void* const larger = grown(second, 80);
  void* aligned = nullptr;
  if (posix_memalign(&aligned, 64, 10) != 0) std::abort();
  void* const block = std::malloc(100'000);
  void* const other = std::malloc(200'000);
  std::free(block);
  void* const more = grown(other, 200'100);    // within its last 4 KiB
  void* const moved = grown(more, 1'000'000);  // beyond
  std::free(moved);
  std::free(aligned);
  end();
  std::free(larger);
  begin(nullptr);
  end();
}

void on_threads() {
  begin("main's");
  std::thread works{[] {
    begin("thread's");
    std::free(std::malloc(10));
    end();
    std::free(std::malloc(20));  // between marks: nobody's
    begin("left open");
    std::free(std::malloc(30));
  }};
  works.join();
  end();
}

void unmarked() {
  std::thread{[] { std::free(std::malloc(77'777)); }}.join();
}

/// A child neither writes to its parent's file nor ends it.
void with_child() {
  begin("parent's");
  std::free(std::malloc(10));
  if (pid_t const child = fork(); child == 0) {
    begin("child's");
    std::free(std::malloc(123));
    end();
    std::exit(0);
  } else {
    waitpid(child, nullptr, 0);
  }
  std::free(std::malloc(11));
  end();
}

/// Threads that are at work when the process ends, 200 of them that came and went before.
void busy_at_end() {
  for (int i = 0; i < 200; ++i) std::thread{[] { std::free(std::malloc(64)); }}.join();
  for (int i = 0; i < 3; ++i) {
    std::thread{[] {
      for (;;) std::free(std::malloc(40));
    }}.detach();
  }
  usleep(20'000);
  std::exit(0);
}

}  // namespace

int main(int count, char** arguments) {
  std::string_view const what = count == 2 ? arguments[1] : "";
  if (what == "every") every_operation();
  if (what == "threads") on_threads();
  if (what == "unmarked") unmarked();
  if (what == "child") with_child();
  if (what == "busy") busy_at_end();
  return 0;
}
