#include <mayfly/executor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <system_error>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

// oneTBB's first use in the process. A program of its own: it replaces operator new[], and forks before that first use.
namespace {

/// Whether the set of processors that oneTBB allocates to count them is refused.
std::atomic<bool> refuses{false};
std::atomic<int> refused{0};

}  // namespace

void* operator new[](std::size_t bytes) {
  if (refuses && bytes == sizeof(cpu_set_t)) {
    ++refused;
    throw std::bad_alloc{};
  }
  if (void* const made = std::malloc(bytes)) return made;
  throw std::bad_alloc{};
}
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using mayfly::executor;
using mayfly::request_context;

/// What became of a try to make an executor.
enum class made { yes, no_memory, told_to_restart, something_else };

made try_one() {
  try {
    executor pool{{.workers = 2}};
    return pool.run({}, [](request_context&) { return 1; }).value() == 1 ? made::yes : made::something_else;
  } catch (std::bad_alloc const&) {
    return made::no_memory;
  } catch (std::system_error const& error) {
    bool const told = error.code() == std::errc::not_enough_memory &&
                      std::string_view(error.what()).find("restart the process") != std::string_view::npos;
    return told ? made::told_to_restart : made::something_else;
  }
}

/// Runs `check` in a forked child, which ends by SIGALRM when it hangs; its result is the child's exit status.
template <class Check>
int in_child(Check&& check) {
  pid_t const child = fork();
  if (child == 0) {
    alarm(100);
    _exit(check() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + WTERMSIG(status);
}

TEST(OneTbbStart, ThatRunsOutOfMemoryLeavesLaterExecutorsAnErrorAndNoEndlessWait) {
  EXPECT_EQ(in_child([] {
              refuses = true;
              bool good = try_one() == made::no_memory && refused == 1;
              refuses = false;
              for (int i = 0; i < 3; ++i) good = good && try_one() == made::told_to_restart;
              return good;
            }),
            0);
}

TEST(OneTbbStart, IsNotRepeatedByLaterExecutors) {
  EXPECT_EQ(in_child([] {
              bool const first = try_one() == made::yes;
              refuses = true;
              return first && try_one() == made::yes && refused == 0;
            }),
            0);
}

}  // namespace
