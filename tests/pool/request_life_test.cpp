#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/scope_registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

// Deadlines, cancellation, priorities and drain: how a request ends other than by its handler.
namespace {

using namespace std::chrono_literals;
using mayfly::admission_reason;
using mayfly::executor;
using mayfly::outcome;
using mayfly::outcome_kind;
using mayfly::request_context;
using mayfly::test::ignore;
using mayfly::test::roadblock;
using mayfly::test::wait_until;
using std::chrono::steady_clock;

TEST(Deadline, ThatHasPassedAtSubmissionIsRefused) {
  executor pool{{.workers = 1}};
  auto const nothing = [](request_context&) {};
  EXPECT_EQ(pool.try_submit({.deadline = 0ns}, nothing, ignore).reason(), admission_reason::expired);
  EXPECT_EQ(pool.try_submit({.deadline = -1s}, nothing, ignore).reason(), admission_reason::expired);
  EXPECT_EQ(pool.try_submit({.deadline_at = steady_clock::now() - 1ms}, nothing, ignore).reason(),
            admission_reason::expired);
  EXPECT_EQ(pool.try_submit({.deadline_at = steady_clock::time_point::min()}, nothing, ignore).reason(),
            admission_reason::expired);
  EXPECT_EQ(pool.try_submit({.deadline = 1h, .deadline_at = steady_clock::now() - 1ms}, nothing, ignore).reason(),
            admission_reason::expired)
      << "the earlier one holds";
  EXPECT_TRUE(pool.try_submit({.deadline = std::chrono::nanoseconds::max()}, nothing, ignore));
  EXPECT_TRUE(pool.try_submit({.deadline_at = steady_clock::time_point::max()}, nothing, ignore));
  EXPECT_EQ(pool.stats().refused_expired, 5U);
}

TEST(Deadline, ThatPassesInTheQueueEndsTheRequestWithoutItsHandler) {
  executor pool{{.workers = 1}};
  roadblock block(pool);
  std::atomic<bool> handled{false};
  std::promise<outcome_kind> told;
  ASSERT_TRUE(pool.try_submit(
      {.deadline = 1ms}, [&](request_context&) { handled = true; },
      [&](outcome<void> const& end, request_context&) { told.set_value(end.kind()); }));
  auto const deadline = steady_clock::now() + 2ms;
  wait_until([&] { return steady_clock::now() > deadline; });
  block.open();
  EXPECT_EQ(told.get_future().get(), outcome_kind::expired);
  EXPECT_FALSE(handled.load());
}

TEST(Deadline, ThatPassesWhileTheHandlerRunsDropsItsValue) {
  executor pool{{.workers = 1}};
  std::atomic<bool> handled{false};
  while (!handled) {  // a machine that is busy elsewhere may let all the time pass in the queue
    auto const result = pool.run({.deadline = 20ms}, [&](request_context& request) {
      handled = true;
      EXPECT_TRUE(request.deadline().has_value());
      wait_until([&] { return request.remaining() == 0ns; });
      EXPECT_THROW(request.throw_if_stopped(), mayfly::request_expired);
      return 5;
    });
    EXPECT_EQ(result.kind(), outcome_kind::expired);
    EXPECT_FALSE(result.has_value());
  }
}

TEST(Deadline, IsWhatTheHandlerSeesToWithinAMillisecond) {
  executor pool{{.workers = 1}};
  auto const at = steady_clock::now() + 10min;
  auto const seen = pool.run({.deadline_at = at}, [&](request_context& request) {
    EXPECT_GT(request.remaining(), 9min);
    return *request.deadline();
  });
  auto copy = seen;
  EXPECT_LT(std::chrono::abs(copy.value() - at), 1ms);
  EXPECT_EQ(pool.run({}, [](request_context& request) { return request.remaining(); }).value(),
            std::chrono::nanoseconds::max());
}

TEST(Deadline, BringsABlockedCallerBackWhenItsHandlerHasNotBegun) {
  executor pool{{.workers = 1}};
  roadblock block(pool);
  std::atomic<bool> handled{false};
  auto const result = pool.run({.deadline = 5ms}, [&](request_context&) { handled = true; });
  EXPECT_EQ(result.kind(), outcome_kind::expired) << "while the only worker is still busy";
  block.open();
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_FALSE(handled.load()) << "the handler may refer to what has gone with the caller";
}

TEST(Cancellation, OfAQueuedRequestEndsItWithoutItsHandler) {
  executor pool{{.workers = 1}};
  roadblock block(pool);
  std::atomic<bool> handled{false};
  std::promise<outcome_kind> told;
  auto const admitted = pool.try_submit(
      {}, [&](request_context&) { handled = true; },
      [&](outcome<void> const& end, request_context&) { told.set_value(end.kind()); });
  EXPECT_TRUE(pool.request_cancel(admitted.id()));
  block.open();
  EXPECT_EQ(told.get_future().get(), outcome_kind::cancelled);
  EXPECT_FALSE(handled.load());
}

TEST(Cancellation, IsSeenByARunningHandlerInItsStopToken) {
  executor pool{{.workers = 1}};
  std::promise<mayfly::scope_id> running;
  std::promise<outcome_kind> told;
  ASSERT_TRUE(pool.try_submit(
      {},
      [&](request_context& request) {
        mayfly::stop_token const token = request.stop_token();
        EXPECT_FALSE(token.stop_requested());
        running.set_value(request.id());
        wait_until([&] { return token.stop_requested(); });
        EXPECT_TRUE(request.stop_requested());
        EXPECT_THROW(request.throw_if_stopped(), mayfly::request_cancelled);
        return 1;
      },
      [&](outcome<int> const& end, request_context&) {
        EXPECT_THROW(static_cast<void>(end.value()), mayfly::request_cancelled);
        told.set_value(end.kind());
      }));
  EXPECT_TRUE(pool.request_cancel(running.get_future().get()));
  EXPECT_EQ(told.get_future().get(), outcome_kind::cancelled);
}

TEST(Cancellation, WinsOverWhatACancelledHandlerThrows) {
  executor pool{{.workers = 1}};
  auto answer = pool.submit("a", [&](request_context& request) -> int {
    pool.request_cancel(request.id());
    throw std::runtime_error("because it was cancelled");
  });
  EXPECT_THROW(answer.get(), mayfly::request_cancelled);
}

TEST(Cancellation, ComesFromAStopSourceBeforeAndWhileTheRequestRuns) {
  executor pool{{.workers = 1}};
  std::stop_source before;
  before.request_stop();
  EXPECT_EQ(pool.run({.stop = before.get_token()}, [](request_context&) { return 1; }).kind(), outcome_kind::cancelled);

  std::stop_source during;
  std::promise<void> running;
  std::jthread stopper([&] {
    running.get_future().wait();
    during.request_stop();
  });
  auto const result = pool.run({.stop = during.get_token()}, [&](request_context& request) {
    running.set_value();
    wait_until([&] { return request.stop_requested(); });
  });
  EXPECT_EQ(result.kind(), outcome_kind::cancelled);

  std::stop_source after;
  EXPECT_EQ(pool.run({.stop = after.get_token()}, [](request_context&) { return 1; }).value(), 1);
  after.request_stop();  // nothing of the request is left to hear it
}

TEST(Cancellation, ReachesWhicheverPhaseARequestIsInAndLeavesOneCompletion) {
  executor pool{{.workers = 2}};
  std::minstd_rand random(static_cast<unsigned>(mayfly::test::seed()));
  std::atomic<int> completions{0};
  std::atomic<int> ended_twice{0};
  int requests = 0;
  mayfly::test::time_to_spend const time;
  for (; requests < 5'000 && !time.spent(); ++requests) {
    auto done = std::make_shared<std::atomic<int>>(0);
    auto const admitted = pool.try_submit(
        {},
        [](request_context& request) {
          for (int spin = 0; spin < 50 && !request.stop_requested(); ++spin) std::this_thread::yield();
        },
        [&, done](outcome<void> const&, request_context&) {
          if (done->fetch_add(1) != 0) ++ended_twice;
          ++completions;
        });
    if (!admitted) {
      ++completions;
      continue;
    }
    for (auto pause = random() % 3; pause > 0; --pause) std::this_thread::yield();
    pool.request_cancel(admitted.id());
  }
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(completions.load(), requests);
  EXPECT_EQ(ended_twice.load(), 0);
}

TEST(Completion, ComesOnceForAHandlerThatThrowsAnything) {
  executor pool{{.workers = 1}};
  std::atomic<int> thrown{0};
  auto const count = [&](outcome<void> const& end, request_context&) {
    if (end.kind() == outcome_kind::exception) ++thrown;
  };
  EXPECT_TRUE(pool.try_submit({}, [](request_context&) { throw std::runtime_error("as one does"); }, count));
  EXPECT_TRUE(pool.try_submit({}, [](request_context&) { throw 42; }, count));
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(thrown.load(), 2) << "completions of handlers that threw";
}

TEST(Priority, HighGoesFirstAndLowDoesNotStarve) {
  executor pool{{.workers = 1}};
  roadblock block(pool);
  std::vector<mayfly::priority> order;  // written by the one worker
  auto const submit = [&](mayfly::priority which) {
    ASSERT_TRUE(
        pool.try_submit({.priority = which}, [&order, which](request_context&) { order.push_back(which); }, ignore));
  };
  for (int i = 0; i < 32; ++i) submit(mayfly::priority::low);
  for (int i = 0; i < 32; ++i) submit(mayfly::priority::normal);
  for (int i = 0; i < 32; ++i) submit(mayfly::priority::high);
  block.open();
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  ASSERT_EQ(order.size(), 96U);
  auto const among_first = [&](std::size_t n, mayfly::priority which) {
    return std::count(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), which);
  };
  EXPECT_GE(among_first(32, mayfly::priority::high), 22) << "most of what goes first is high";
  EXPECT_GE(among_first(32, mayfly::priority::low), 1) << "one of 16 is of the lowest priority that waits";
  EXPECT_GE(among_first(32, mayfly::priority::normal), 4) << "one of 4 is not high";
  EXPECT_EQ(among_first(80, mayfly::priority::high), 32);
}

TEST(Drain, LetsWhatWasAcceptedFinishAndTakesNothingMore) {
  executor pool{{.workers = 2}};
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pool.try_submit({}, [&](request_context&) { ++ran; }, ignore));
  }
  auto const report = pool.drain(1min, 1s);
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.cancelled.empty());
  EXPECT_EQ(ran.load(), 100);
  EXPECT_EQ(pool.stats().completed(), 100U);
  EXPECT_EQ(pool.try_submit({}, [](request_context&) {}, ignore).reason(), admission_reason::draining);
  EXPECT_TRUE(pool.drain(0ns, 0ns).complete()) << "a second time there is nothing to do";
}

TEST(Drain, CancelsAfterTheSoftLimitAndNamesWhatItCancelled) {
  executor pool{{.workers = 1}};
  std::latch running(1);
  ASSERT_TRUE(pool.try_submit(
      {.route = "patient"},
      [&](request_context& request) {
        running.count_down();
        wait_until([&] { return request.stop_requested(); });
      },
      ignore));
  ASSERT_TRUE(pool.try_submit({.route = "behind"}, [](request_context&) {}, ignore));
  running.wait();
  auto const report = pool.drain(5ms, 1min);
  EXPECT_TRUE(report.complete());
  ASSERT_EQ(report.cancelled.size(), 2U);
  EXPECT_THAT(report.to_string(), testing::HasSubstr("patient, running"));
  EXPECT_THAT(report.to_string(), testing::HasSubstr("behind, queued"));
  EXPECT_EQ(pool.stats().cancelled, 2U);
}

TEST(Drain, ReportsWhatStillRunsAfterTheHardLimitWithItsAge) {
  executor pool{{.workers = 1}};
  auto const before = steady_clock::now();
  roadblock block(pool);
  auto const since = steady_clock::now();
  wait_until([&] { return steady_clock::now() - since > 3ms; });
  auto const report = pool.drain(1ms, 1ms);
  EXPECT_FALSE(report.complete());
  ASSERT_EQ(report.remaining.size(), 1U);
  EXPECT_EQ(report.remaining[0].route, "roadblock");
  EXPECT_EQ(report.remaining[0].phase, "running");
  EXPECT_GE(report.remaining[0].age, 2ms);
  EXPECT_LE(report.remaining[0].age, steady_clock::now() - before + 1ms);
  EXPECT_EQ(report.found, 1U);
  EXPECT_GE(report.took, 2ms);
  block.open();
}

TEST(Drain, WaitsForTheDestructorsOfWhatHasEnded) {
  struct slow {
    std::latch& begun;
    std::latch& go_on;
    ~slow() {
      begun.count_down();
      go_on.wait();
    }
  };
  std::latch begun(1);
  std::latch go_on(1);
  executor pool{{.workers = 1}};
  ASSERT_TRUE(pool.try_submit(
      {.route = "slow"}, [&](request_context& request) { request.arena().make<slow>(begun, go_on); }, ignore));
  begun.wait();  // the request has its completion, and its id is refused
  auto const report = pool.drain(1ms, 1ms);
  ASSERT_EQ(report.remaining.size(), 1U);
  EXPECT_EQ(report.remaining[0].route, "slow");
  EXPECT_EQ(report.remaining[0].phase, "closing");
  go_on.count_down();
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(pool.pages().stats().pages_in_use(), 0U) << "its pages are home";
}

TEST(Drain, CountsAHeldScopeAsNotEnded) {
  executor pool{{.workers = 1}};
  std::promise<mayfly::scope_hold> given;
  ASSERT_TRUE(
      pool.try_submit({.route = "kept"}, [&](request_context& request) { given.set_value(request.hold()); }, ignore));
  mayfly::scope_hold hold = given.get_future().get();
  wait_until([&] { return hold->phase() == mayfly::scope_phase::held; });
  auto report = pool.drain(1ms, 1ms);
  ASSERT_EQ(report.remaining.size(), 1U);
  EXPECT_EQ(report.remaining[0].phase, "held");
  hold.release();
  EXPECT_TRUE(pool.drain(1s, 1s).complete());
}

}  // namespace
