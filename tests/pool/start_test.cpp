#include "interposed_threads.hpp"
#include "process_threads.hpp"
#include "support.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/executor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <latch>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// How an executor's threads begin and end.
namespace {

using namespace std::chrono_literals;
using mayfly::admission_reason;
using mayfly::executor;
using mayfly::request_context;
using mayfly::test::failing_creation;
using mayfly::test::failing_from_then_on;
using mayfly::test::ignore;
using mayfly::test::settles_at;
using mayfly::test::thread_creations;
using mayfly::test::thread_names;
using mayfly::test::threads_of_this_process;
using mayfly::test::wait_until;

TEST(Start, EveryWorkerRunsWhenTheConstructorReturns) {
  executor pool{{.workers = 4, .name = "probe"}};
  auto const names = thread_names();
  for (char const* const name : {"probe-0", "probe-1", "probe-2", "probe-3", "probe-recall"}) {
    EXPECT_THAT(names, testing::Contains(name));
  }
}

TEST(Start, LeavesNoThreadBehindAtTheEnd) {
  std::size_t const before = threads_of_this_process();
  {
    executor pool{{.workers = 4}};
    auto const result = pool.run({}, [](request_context& request) {
      request.parallel_for(0, 1'000, [](std::size_t) { std::this_thread::yield(); });
    });
    EXPECT_TRUE(result.has_value());
  }
  EXPECT_TRUE(settles_at(before));
}

TEST(Start, FailsCleanlyWhicheverThreadCannotBeMade) {
  constexpr std::size_t workers = 4;
  std::size_t const before = threads_of_this_process();
  for (bool const for_ever : {false, true}) {
    for (int k = 1; k <= static_cast<int>(workers) + 1; ++k) {  // the workers and the recall thread
      thread_creations = 0;
      failing_creation = k;
      failing_from_then_on = for_ever;
      try {
        executor pool{{.workers = workers}};
        ADD_FAILURE() << "creation " << k << " failed and nobody noticed";
      } catch (std::system_error const& error) {
        EXPECT_EQ(error.code().value(), EAGAIN);
        EXPECT_THAT(error.what(), testing::HasSubstr("mayfly-"));
      }
      EXPECT_TRUE(settles_at(before)) << "no half-started pool, " << k;
      failing_creation = 0;
      executor pool{{.workers = workers}};  // the process is as good as before
      EXPECT_EQ(pool.run({}, [](request_context&) { return 1; }).value(), 1);
    }
  }
  failing_creation = 0;
}

TEST(Start, NeedsNoThreadsOfOneTbb) {
  tbb::global_control const starved(tbb::global_control::max_allowed_parallelism, 1);
  thread_creations = 0;
  executor pool{{.workers = 3}};
  std::latch all(3);
  auto const result = pool.run(
      {}, [&](request_context& request) { request.parallel_for(0, 3, [&](std::size_t) { all.arrive_and_wait(); }); });
  EXPECT_TRUE(result.has_value()) << "three workers at once, whatever the embedder lets oneTBB have";
  EXPECT_EQ(thread_creations.load(), 5) << "three workers, the recall thread and the trimmer";
}

TEST(Start, CallersThreadsStayOutOfOneTbb) {
  executor pool{{.workers = 2}};
  std::size_t const before = threads_of_this_process();
  thread_creations = 0;
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(pool.run({}, [](request_context&) {}).has_value());
  EXPECT_EQ(thread_creations.load(), 0);
  EXPECT_LE(threads_of_this_process(), before);
}

/// Whether every thread but this one sleeps: then nobody holds a lock of the heap, or of a sanitizer, which a child
/// would inherit. Third field of proc_pid_stat(5), behind the name in brackets.
bool others_sleep() {
  auto const self = std::to_string(gettid());
  return std::ranges::all_of(std::filesystem::directory_iterator("/proc/self/task"), [&](auto const& entry) {
    std::string line;
    std::getline(std::ifstream(entry.path() / "stat"), line);
    auto const name_end = line.rfind(") ");
    return entry.path().filename() == self || (name_end != std::string::npos && line.at(name_end + 2) == 'S');
  });
}

/// Runs `check` in a forked child, when all other threads sleep; its result is the child's exit status.
template <class Check>
int in_child(Check&& check) {
  wait_until(others_sleep);
  pid_t const child = fork();
  if (child == 0) {
    alarm(100);
    _exit(check() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + WTERMSIG(status);
}

TEST(Fork, EveryCallInTheChildIsRefusedAndTheParentGoesOn) {
  auto pool = std::make_unique<executor>(mayfly::executor_options{.workers = 2});
  EXPECT_TRUE(pool->run({}, [](request_context&) {}).has_value());
  wait_until([&] { return pool->stats().parked == 2; });
  EXPECT_EQ(in_child([&] {
              bool good =
                  pool->try_submit({}, [](request_context&) {}, ignore).reason() == admission_reason::forked_child;
              good = good && pool->run({}, [](request_context&) {}).reason() == admission_reason::forked_child;
              auto refused = pool->submit("x", [](request_context&) { return 1; });
              try {
                refused.get();
                good = false;
              } catch (mayfly::refused_error const& error) {
                good = good && error.reason() == admission_reason::forked_child;
              }
              good = good && pool->drain(1h, 1h).complete();  // returns at once
              try {
                pool->set_workers(1);
                good = false;
              } catch (std::logic_error const&) {
              }
              pool.reset();  // no thread to wait for
              return good;
            }),
            0);
  EXPECT_EQ(pool->run({}, [](request_context&) { return 3; }).value(), 3);
}

TEST(Fork, AChildThatComesBackFromItsHandlerIsEnded) {
  executor pool{{.workers = 1}};
  auto* const completions = static_cast<std::atomic<int>*>(
      mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(static_cast<void*>(completions), MAP_FAILED);
  auto const count = [&](auto const&, request_context&) { completions->fetch_add(1); };
  std::promise<pid_t> forked;
  std::latch queued(1);
  ASSERT_TRUE(pool.try_submit(
      {},
      [&](request_context&) {
        queued.wait();
        pid_t const child = fork();
        if (child != 0) forked.set_value(child);
      },
      count));
  ASSERT_TRUE(pool.try_submit({}, [](request_context&) {}, count));  // waits, in the child as well
  queued.count_down();
  int status = 0;
  pid_t const child = forked.get_future().get();
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 70);
  EXPECT_TRUE(pool.drain(1h, 1h).complete());
  EXPECT_EQ(completions->load(), 2) << "each request's completion has run in the parent alone";
  munmap(completions, sizeof *completions);
}

TEST(Fork, AnExecutorMadeInTheChildWorks) {
  if (mayfly::test::thread_sanitized) {
    GTEST_SKIP() << "ThreadSanitizer ends a child that starts threads where its parent had some";
  }
  executor parents{{.workers = 2}};
  wait_until([&] { return parents.stats().parked == 2; });
  EXPECT_EQ(in_child([] {
              executor pool{{.workers = 2}};
              auto result = pool.run({}, [](request_context& request) {
                std::atomic<int> sum{0};
                request.parallel_for(0, 100, [&](std::size_t) { ++sum; });
                return sum.load();
              });
              return result.has_value() && result.value() == 100;
            }),
            0);
}

}  // namespace
