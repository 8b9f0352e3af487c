#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/schedule_point.hpp>
#include <mayfly/task_group.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <random>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

// Requests of all kinds while the number of workers changes.
namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::request_context;
using mayfly::test::ignore;
using mayfly::test::time_to_spend;
using mayfly::test::wait_until;

/// What requests of all kinds add up to while somebody else changes the number of workers.
void change_under_load(int rounds) {
  executor pool{{.workers = 2, .max_workers = 4, .max_queued = 256}};
  mayfly::test::time_to_spend const time;
  std::atomic<bool> done{false};
  std::uint64_t accepted = 0;
  std::atomic<std::uint64_t> completed{0};
  std::atomic<std::uint64_t> fired{0};
  std::uint64_t timers = 0;
  std::jthread resizer([&] {
    std::minstd_rand random(static_cast<unsigned>(mayfly::test::seed()));
    while (!done.load()) {
      pool.set_workers(1 + random() % 4);
      std::this_thread::sleep_for(std::chrono::microseconds{random() % 500});
    }
  });
  auto const count = [&](auto const& outcome, request_context&) {
    if (outcome.kind() == mayfly::outcome_kind::value) ++completed;
  };
  int round = 0;
  for (; round < rounds && !time.spent(); ++round) {
    for (int i = 0; i < 16; ++i) {
      bool const nested = i % 4 == 0;
      auto const handler = [nested](request_context& request) {
        std::atomic<int> sum{0};
        static_cast<void>(request.arena().allocate(5'000));
        if (!nested) return;
        request.parallel_for(0, 64, [&](std::size_t) { ++sum; });
        mayfly::task_group group(request);
        for (int task = 0; task < 4; ++task) group.run([&] { ++sum; });
        group.wait();
        if (sum != 68) throw std::logic_error("nested work was lost");
      };
      ++accepted;
      while (!pool.try_submit({.route = "load"}, handler, count)) std::this_thread::yield();
    }
    if (pool.spawn_after(
            1ms, {.route = "timer"}, [](request_context&, std::atomic<std::uint64_t>* of) { ++*of; },
            mayfly::trusted(&fired))) {
      ++timers;
    }
    if (round % 16 == 0) {
      static_cast<void>(pool.run({}, [](request_context&) {}));
      EXPECT_LE(pool.stats().workers, 4U);
      EXPECT_LE(pool.routes().size(), 3U);
      EXPECT_LE(pool.account().routes.size(), 3U);
    }
  }
  time_to_spend::tell(static_cast<std::uint64_t>(round) * 16, static_cast<std::uint64_t>(rounds) * 16);
  // A timer whose time comes while the queue is full is dropped, and counted.
  wait_until([&] { return fired.load() + pool.stats().timers_dropped == timers && completed.load() == accepted; });
  EXPECT_TRUE(pool.drain(1h, 1h).complete()) << "while the number still changes";
  done = true;
  resizer.join();
  auto const stats = pool.stats();
  EXPECT_EQ(stats.accepted, stats.completed());
  EXPECT_EQ(stats.exceptions, 0U);
}

TEST(Resize, LosesNothingUnderLoad) { change_under_load(3'000); }

TEST(Resize, LosesNothingUnderShakenSchedules) {
  mayfly::test::shaken_schedules const shaken;
  change_under_load(500);
}

#ifdef MAYFLY_SCHEDULE_POINTS
/// The thread that lets a worker go has claimed the sleeper and not yet woken it: it counts as one that searches, and a
/// request that comes now wakes nobody.
executor* submits_when_claimed = nullptr;
std::promise<void> taken;

TEST(Resize, AWorkerThatEndsPassesOnWhatItsSearchWasReliedOnFor) {
  executor pool{{.workers = 2}};
  wait_until([&] { return pool.stats().parked == 2; });
  submits_when_claimed = &pool;
  taken = {};
  mayfly::set_schedule_hook([](char const* step) noexcept {
    if (std::string_view{step} != "worker_gate.wake.claimed" || submits_when_claimed == nullptr) return;
    executor& of = *std::exchange(submits_when_claimed, nullptr);
    static_cast<void>(of.try_submit({}, [](request_context&) { taken.set_value(); }, ignore));
  });
  pool.set_workers(1);
  mayfly::set_schedule_hook(nullptr);
  EXPECT_EQ(taken.get_future().wait_for(20s), std::future_status::ready) << "nobody looks at the queue";
  if (submits_when_claimed != nullptr) ADD_FAILURE() << "the step was not passed";
}
#endif

}  // namespace
