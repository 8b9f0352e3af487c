#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/task_group.hpp>

#include <cstdio>
#include <cstring>
#include <future>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

// Run under Valgrind by valgrind_test.py: requests of all kinds that do nothing wrong, or one wrong access, told by its
// name. Lines that are to be seen in memcheck's reports are marked "here: WHAT".
namespace {

using mayfly::request_context;

/// Where memory lies that the request is about to lose, as a number: as such it may leave.
char volatile* at(std::uintptr_t address) { return reinterpret_cast<char volatile*>(address); }  // NOLINT

void use_after_close(mayfly::executor& pool) {
  auto gone = pool.run({}, [](request_context& request) {
    auto* const memory = static_cast<char*>(request.arena().allocate(100));  // here: use-after-close allocated
    std::memset(memory, 1, 100);
    return ~reinterpret_cast<std::uintptr_t>(memory);
  });
  while (pool.stats().in_flight != 0) {
  }
  std::printf("%d\n", *at(~gone.value() + 10));  // here: use-after-close
}

void in_request(mayfly::executor& pool, std::string_view what) {
  static_cast<void>(pool.run({}, [what](request_context& request) {
    auto& arena = request.arena();
    if (what == "past-the-end") {
      auto* const text = static_cast<char*>(arena.allocate(13));  // here: past-the-end allocated
      text[13] = 'x';                                             // here: past-the-end
    } else if (what == "between") {
      auto* const first = static_cast<char*>(arena.allocate(24));  // here: between allocated
      auto* const second = static_cast<char*>(arena.allocate(24));
      std::memset(first, 1, 24);
      second[-1] = 'x';  // here: between
    } else if (what == "given-back") {
      auto* const block = static_cast<char*>(arena.allocate(1'000'000));
      arena.deallocate(block, 1'000'000);  // here: given-back freed
      block[500'000] = 'x';                // here: given-back
    } else if (what == "rewound") {
      auto const mark = arena.mark();
      auto* const text = static_cast<char*>(arena.allocate(50));
      arena.rewind(mark);  // here: rewound freed
      text[7] = 'x';       // here: rewound
    } else if (what == "extended") {
      auto* const text = static_cast<char*>(arena.allocate(50));
      std::memset(text, 1, 50);
      if (!arena.try_extend(text, 50, 80)) throw std::runtime_error("cannot extend");
      if (text[49] != 1) throw std::runtime_error("lost what it held");
      text[79] = 'x';
      text[80] = 'x';  // here: extended
    } else if (what == "uninitialised") {
      auto const* const text = static_cast<char*>(arena.allocate(50));
      if (text[3] == 'x') std::puts("x");  // here: uninitialised
    }
  }));
}

void behave(mayfly::executor& pool, mayfly::page_pool& pages) {
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 400; ++i) {
    answers.push_back(pool.submit("behaves", [i](request_context& request) {
      auto const fill = [&](std::size_t bytes) { std::memset(request.arena().allocate(bytes), i, bytes); };
      for (std::size_t bytes = 1; bytes < 5'000; bytes = bytes * 2 + 1) fill(bytes);
      if (i % 8 == 1) fill(600'000);
      if (i % 8 == 2) request.parallel_for(0, 16, [&](std::size_t) { fill(3'000); });
      if (i % 8 == 3) request.nested([&](request_context& inner) { std::memset(inner.arena().allocate(99), 1, 99); });
      if (i % 8 == 4) throw 42;
      if (i % 8 == 5) {
        mayfly::task_group group{request};
        for (int t = 0; t < 4; ++t) group.run([&] { fill(2'000); });
        group.wait();
      }
      if (i % 8 == 6) request.arena().make<std::vector<int>>(std::size_t{1'000}, i);
      return i;
    }));
  }
  int answered = 0;
  for (auto& answer : answers) {
    try {
      answer.get();
      ++answered;
    } catch (int) {
    }
  }
  pool.drain(std::chrono::hours{1}, std::chrono::hours{1});
  if (answered != 350 || pages.stats().pages_in_use() != 0) throw std::runtime_error("not every request ended well");
  std::puts("400 requests");
}

}  // namespace

int main(int count, char** arguments) {
  std::string_view const what = count > 1 ? arguments[1] : "nothing";
  mayfly::page_pool pages;
  mayfly::executor pool{{.workers = 2, .pages = &pages}};
  if (what == "nothing") {
    behave(pool, pages);
  } else if (what == "use-after-close") {
    use_after_close(pool);
  } else {
    in_request(pool, what);
  }
}
