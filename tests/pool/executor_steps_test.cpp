#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/schedule_point.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <string_view>

// Schedules that real time rarely produces, forced: a worker stands at a named step while something else happens.
#ifdef MAYFLY_SCHEDULE_POINTS
namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::outcome;
using mayfly::request_context;
using mayfly::test::ignore;
using mayfly::test::wait_until;

std::latch* reached = nullptr;  // counted down when the worker has come to the step
std::latch* go_on = nullptr;    // for which it waits there
std::atomic<bool> armed{false};

/// Both requests come while one worker searches and the other sleeps, so that neither wakes anybody; the searching
/// worker takes the first, which waits for the second.
TEST(Executor, WakesASleeperForWhatASearchingWorkerWasReliedOnFor) {
  executor pool{{.workers = 2}};
  wait_until([&] { return pool.stats().parked == 2; });
  std::latch searches(1);
  std::latch both_came(1);
  reached = &searches;
  go_on = &both_came;
  armed = true;
  mayfly::set_schedule_hook([](char const* step) noexcept {
    if (std::string_view{step} != "executor.idle.searching" || !armed.exchange(false)) return;
    reached->count_down();
    go_on->wait();
  });
  // One is woken, and searches when it is done.
  ASSERT_TRUE(pool.try_submit({}, [](request_context&) {}, ignore));
  searches.wait();
  std::latch second(1);
  std::promise<void> first;
  ASSERT_TRUE(pool.try_submit(
      {}, [&](request_context&) { second.wait(); },
      [&](outcome<void> const&, request_context&) { first.set_value(); }));
  ASSERT_TRUE(pool.try_submit({}, [&](request_context&) { second.count_down(); }, ignore));
  EXPECT_EQ(pool.stats().parked, 1U) << "one searches, so nobody was woken";
  both_came.count_down();
  first.get_future().wait();  // for ever, where nobody wakes the other
  mayfly::set_schedule_hook(nullptr);
}

/// The worker stands between its look at the queues and its look at the flag that ends it; meanwhile a request comes,
/// which wakes nobody, as no worker sleeps, and the executor ends.
TEST(Executor, RunsARequestThatCameBetweenAWorkersLastLookAndTheEnd) {
  std::latch looked(1);
  std::latch told(1);
  reached = &looked;
  go_on = &told;
  std::atomic<int> ran{0};
  {
    executor pool{{.workers = 1, .idle_spin = 0ns}};
    armed = true;
    mayfly::set_schedule_hook([](char const* step) noexcept {
      if (std::string_view{step} == "executor.work.found_none" && armed.exchange(false)) {
        reached->count_down();
        go_on->wait();
      } else if (std::string_view{step} == "executor.stop.told") {
        go_on->count_down();
      }
    });
    // The worker sleeps, or is about to: this gets it to look once more when it is done.
    ASSERT_TRUE(pool.try_submit({}, [&](request_context&) { ++ran; }, ignore));
    looked.wait();
    ASSERT_TRUE(pool.try_submit({}, [&](request_context&) { ++ran; }, ignore));
  }
  mayfly::set_schedule_hook(nullptr);
  EXPECT_EQ(ran.load(), 2);
}

}  // namespace
#endif
