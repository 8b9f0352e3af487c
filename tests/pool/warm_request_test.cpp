#include "counted_heap.hpp"
#include "support.hpp"
#include "syscall_filter.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/schedule_point.hpp>
#include <mayfly/scope_registry.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <latch>
#include <string>
#include <thread>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// D10: a warm request calls no heap, takes no page fault, and makes no system call but to sleep and to wake.
namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::executor_options;
using mayfly::outcome;
using mayfly::request_context;
using mayfly::test::counting_heap_calls;
using mayfly::test::heap_calls;
using mayfly::test::ignore;
using mayfly::test::roadblock;

constexpr std::size_t requests = 100'000;
constexpr std::size_t slots = 128;

/// A handler of 96 bytes that takes `arena_bytes` of its request's memory, in pieces of some 1 KiB, and touches each.
struct handler {
  std::size_t arena_bytes;
  std::array<std::byte, 88> rest{};

  std::byte* operator()(request_context& request) const {
    std::byte* last = nullptr;
    for (std::size_t done = 0; done < arena_bytes; done += 1'000) {
      last = static_cast<std::byte*>(request.arena().allocate(1'000));
      last[0] = last[999] = std::byte{5};
    }
    return last;
  }
};
static_assert(sizeof(handler) == 96);

/// Waits as a worker may: a yield is a system call that neither sleeps nor wakes.
void sleep_a_little() { std::this_thread::sleep_for(20us); }

/// Submits `count` requests as fast as they are taken, and waits for them.
void pump(executor& pool, std::size_t count, std::size_t arena_bytes) {
  std::atomic<std::size_t> ended{0};
  for (std::size_t submitted = 0; submitted < count;) {
    auto const admitted = pool.try_submit({.route = "warm", .priority = static_cast<mayfly::priority>(submitted % 3)},
                                          handler{.arena_bytes = arena_bytes},
                                          [&ended](outcome<std::byte*> const& end, request_context&) {
                                            if (**end == std::byte{5}) ended.fetch_add(1, std::memory_order_relaxed);
                                          });
    if (admitted) {
      ++submitted;
    } else {
      sleep_a_little();
    }
  }
  while (ended.load(std::memory_order_relaxed) != count) sleep_a_little();
}

/// Every slot has been used once, every worker has run requests of that size, and everybody has slept and been woken.
void warm_up(executor& pool, std::size_t arena_bytes) {
  {
    roadblock block(pool, pool.workers());
    while (pool.try_submit({}, [](request_context&) {}, ignore)) {
    }
  }
  mayfly::test::wait_until([&] { return pool.stats().in_flight == 0; });
  // All workers at once, so that each has found its pages, and none depends on what another holds.
  std::latch together(static_cast<std::ptrdiff_t>(pool.workers()));
  for (std::size_t i = 0; i < pool.workers(); ++i) {
    ASSERT_TRUE(pool.try_submit(
        {},
        [&together, one = handler{.arena_bytes = arena_bytes}](request_context& request) {
          one(request);
          together.arrive_and_wait();
        },
        ignore));
  }
  pump(pool, 20'000, arena_bytes);
  for (int i = 0; i < 3; ++i) {
    mayfly::test::wait_until([&] { return pool.stats().parked == pool.workers(); });
    pump(pool, 100, arena_bytes);
  }
  {
    roadblock const both(pool, pool.workers());  // no worker has been left out
  }
  mayfly::test::wait_until([&] { return pool.stats().in_flight == 0; });  // nothing of the above ends later
}

/// Without the trimmer, whose few system calls a second are no request's.
executor_options options() { return {.workers = 2, .max_in_flight = slots, .trim_interval = {}}; }

std::int64_t minor_faults() {
  rusage now{};
  getrusage(RUSAGE_SELF, &now);
  return now.ru_minflt;
}

/// Page faults of some hundred thousand warm requests that `run` makes. The kernel takes some itself now and then, when
/// it moves pages about: a warm request that takes one does so in every round, and has a hundred thousand chances in
/// each.
template <typename Run>
std::int64_t faults_in_the_best_round(Run const& run) {
  std::int64_t faults = 1;
  for (int round = 0; round < 5 && faults != 0; ++round) {
    std::int64_t const before = minor_faults();
    run();
    faults = minor_faults() - before;
    EXPECT_LT(faults, 1'000) << "in round " << round;
  }
  return faults;
}

class WarmRequest : public testing::TestWithParam<std::size_t> {};

TEST_P(WarmRequest, CallsNoHeap) {
  if (!MAYFLY_TEST_HEAP_IS_COUNTED) GTEST_SKIP() << "a sanitizer has the heap";
  executor pool(options());
  warm_up(pool, GetParam());
  heap_calls = 0;
  counting_heap_calls = true;
  pump(pool, requests, GetParam());
  counting_heap_calls = false;
  EXPECT_EQ(heap_calls.load(), 0U);
}

TEST_P(WarmRequest, TakesNoPageFault) {
  if (!MAYFLY_TEST_HEAP_IS_COUNTED) GTEST_SKIP() << "a sanitizer touches memory of its own";
  executor pool(options());
  warm_up(pool, GetParam());
  EXPECT_EQ(faults_in_the_best_round([&] { pump(pool, requests, GetParam()); }), 0);
}

TEST_P(WarmRequest, MakesNoSystemCallButToSleepAndToWake) {
  if (!MAYFLY_TEST_HEAP_IS_COUNTED) GTEST_SKIP() << "a sanitizer makes system calls of its own";
  constexpr int not_allowed = 222;
  pid_t const child = fork();
  if (child == 0) {
    alarm(100);
    executor pool(options());
    warm_up(pool, GetParam());
    if (mayfly::test::allow_only_sleeping_and_waking() != 0) _exit(not_allowed);
    pump(pool, requests, GetParam());
    _exit(0);  // its threads and memory go with it
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == not_allowed) GTEST_SKIP() << "seccomp filters are forbidden here";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the number of a system call that a warm request made";
}

INSTANTIATE_TEST_SUITE_P(ArenaBytes, WarmRequest, testing::Values(1'000, 100'000, 1'000'000),
                         [](auto const& bytes) { return std::to_string(bytes.param); });

#ifdef MAYFLY_SCHEDULE_POINTS
std::atomic<bool> armed{false};
std::atomic<bool> stands{false};  // in the middle of a push
std::atomic<int> looks{0};        // at a push that is claimed and not finished

/// The submitting thread stands in the middle of a push, and the worker that wants it waits for long.
TEST(WaitForAnUnfinishedPush, MakesNoSystemCallButToSleep) {
  if (!MAYFLY_TEST_HEAP_IS_COUNTED) GTEST_SKIP() << "a sanitizer makes system calls of its own";
  constexpr int not_allowed = 222;
  pid_t const child = fork();
  if (child == 0) {
    alarm(100);
    executor pool({.workers = 1, .max_in_flight = slots, .trim_interval = {}});
    warm_up(pool, 1'000);
    mayfly::set_schedule_hook([](char const* step) noexcept {
      if (std::strcmp(step, "executor.work.unfinished") == 0) ++looks;
      if (std::strcmp(step, "index_ring.push.claimed") != 0 || !armed.exchange(false)) return;
      stands = true;
      while (looks < 1'000) sleep_a_little();
    });
    if (mayfly::test::allow_only_sleeping_and_waking() != 0) _exit(not_allowed);
    // Not with latches: they yield before they sleep.
    auto const until = [](std::atomic<bool> const& so) {
      while (!so) sleep_a_little();
    };
    static_cast<void>(pool.try_submit({}, [&](request_context&) { until(stands); }, ignore));
    armed = true;
    std::atomic<bool> ended{false};
    static_cast<void>(pool.try_submit({}, [&](request_context&) { ended = true; }, ignore));
    until(ended);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == not_allowed) GTEST_SKIP() << "seccomp filters are forbidden here";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the number of a system call that the waiting worker made";
}
#endif

/// The egress check of a closure that is submitted inside a scope costs its looks, and nothing else.
TEST(WarmRequestFromInsideAScope, CallsNoHeapAndTakesNoPageFault) {
  if (!MAYFLY_TEST_HEAP_IS_COUNTED) GTEST_SKIP() << "a sanitizer has the heap";
  executor pool(options());
  warm_up(pool, 1'000);
  mayfly::page_pool pages;
  mayfly::scope_registry registry(pages);
  mayfly::scope* const around = registry.open({.route = "around"});
  {
    mayfly::scope_entry const inside(*around);
    static_cast<void>(around->make<int>(1));
    pump(pool, 1'000, 1'000);
    mayfly::test::wait_until([&] { return pool.stats().in_flight == 0; });
    heap_calls = 0;
    counting_heap_calls = true;
    std::int64_t const faults = faults_in_the_best_round([&] { pump(pool, requests, 1'000); });
    counting_heap_calls = false;
    EXPECT_EQ(heap_calls.load(), 0U);
    EXPECT_EQ(faults, 0);
  }
  around->close();
}

/// The tests above prove nothing if what they count cannot be counted.
TEST(WarmRequestCounters, SeeAPlantedHeapCallAFaultAndASystemCall) {
  if (!MAYFLY_TEST_HEAP_IS_COUNTED) GTEST_SKIP() << "a sanitizer has the heap";
  executor pool(options());
  warm_up(pool, 1'000);
  heap_calls = 0;
  counting_heap_calls = true;
  EXPECT_TRUE(pool.run({}, [](request_context&) {}).has_value());  // allocates what it shares with its caller
  counting_heap_calls = false;
  EXPECT_GE(heap_calls.load(), 1U);

  std::int64_t const before = minor_faults();
  EXPECT_TRUE(
      pool.run({}, [](request_context& request) { std::memset(request.arena().allocate(16 << 20), 1, 16 << 20); })
          .has_value());
  EXPECT_GT(minor_faults() - before, 0);

  pid_t const child = fork();
  if (child == 0) {
    alarm(100);
    executor planted(options());
    warm_up(planted, 1'000);
    if (mayfly::test::allow_only_sleeping_and_waking() != 0) _exit(__NR_getppid);
    static_cast<void>(planted.try_submit({}, [](request_context&) { getppid(); }, ignore));
    for (;;) sleep_a_little();
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), __NR_getppid);
}

}  // namespace
