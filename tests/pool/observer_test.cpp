#include "support.hpp"
#include <mayfly/effect_handler.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/observer.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// Who is told of requests: observers, and the embedder's effect handlers.
namespace {

using namespace std::chrono_literals;
using mayfly::admission_reason;
using mayfly::executor;
using mayfly::outcome_kind;
using mayfly::request_context;
using mayfly::scope_id;
using mayfly::test::ignore;
using mayfly::test::roadblock;
using mayfly::test::wait_until;
using std::chrono::steady_clock;

class diary final : public mayfly::executor_observer {
 public:
  void on_open(scope_id id, std::string_view route) noexcept override { note("open " + std::string(route), id); }
  void on_close(scope_id id, std::string_view route, outcome_kind kind) noexcept override {
    note("close " + std::string(route) + " " + std::string(to_string(kind)), id);
  }
  void on_refused(std::string_view route, admission_reason reason) noexcept override {
    note("refuse " + std::string(route) + " " + std::string(to_string(reason)), {});
  }
  void on_completion_failure(scope_id id, std::string_view route, std::exception_ptr const& error) noexcept override {
    try {
      std::rethrow_exception(error);
    } catch (std::exception const& what) {
      note("failure " + std::string(route) + " " + what.what(), id);
    }
  }

  /// How often `text` was noted.
  [[nodiscard]] std::size_t count(std::string const& text) const {
    std::scoped_lock const lock(mutex_);
    std::size_t found = 0;
    for (auto const& [line, id] : lines_) found += line == text ? 1U : 0U;
    return found;
  }
  [[nodiscard]] scope_id id_of(std::string const& text) const {
    std::scoped_lock const lock(mutex_);
    for (auto const& [line, id] : lines_) {
      if (line == text) return id;
    }
    return {};
  }

 private:
  void note(std::string line, scope_id id) {
    std::scoped_lock const lock(mutex_);
    lines_.emplace_back(std::move(line), id);
  }

  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, scope_id>> lines_;
};

TEST(Observer, HearsOfEachRequestOnceAsItOpensClosesOrIsRefused) {
  diary notes;
  {
    executor pool{{.workers = 1, .max_in_flight = 3, .observer = &notes}};
    roadblock block(pool);
    ASSERT_TRUE(pool.try_submit({.route = "good"}, [](request_context&) {}, ignore));
    auto const bad = pool.try_submit(
        {.route = "bad"}, [](request_context&) { throw 1; },
        [](auto const&, request_context&) { throw std::runtime_error("twice"); });
    ASSERT_TRUE(bad);
    EXPECT_FALSE(pool.try_submit({.route = "late"}, [](request_context&) {}, ignore));
    block.open();
    EXPECT_TRUE(pool.drain(1min, 1s).complete());
    EXPECT_EQ(notes.id_of("open bad"), bad.id());
    EXPECT_EQ(notes.id_of("close bad exception"), bad.id());
    EXPECT_FALSE(pool.try_submit({.route = "later"}, [](request_context&) {}, ignore));
  }
  EXPECT_EQ(notes.count("open good"), 1U);
  EXPECT_EQ(notes.count("close good value"), 1U);
  EXPECT_EQ(notes.count("failure bad twice"), 1U);
  EXPECT_EQ(notes.count("refuse late queue_full"), 1U);
  EXPECT_EQ(notes.count("refuse later draining"), 1U);
}

/// Notes on which thread it is used, and that its calls are paired.
class recording_effects final : public mayfly::effect_handler {
 public:
  struct totals {
    std::atomic<int> spawned{0};
    std::atomic<int> entered{0};
    std::atomic<int> exited{0};
    std::atomic<int> strays{0};
    std::atomic<bool> refuse{false};
  };
  explicit recording_effects(totals& counted) : counted_(counted), home_(std::this_thread::get_id()) {}

  scope_id enter_request_scope() override {
    check_thread();
    if (counted_.refuse) throw std::runtime_error("no scope to be had");
    ++counted_.entered;
    return scope_id{1, static_cast<std::uint64_t>(++depth_)};
  }
  void exit_request_scope(scope_id id) noexcept override {
    check_thread();
    if (!id) return;
    if (id.generation() != static_cast<std::uint64_t>(depth_--)) ++counted_.strays;
    ++counted_.exited;
  }
  std::unique_ptr<mayfly::effect_handler> spawn_for_worker() override {
    ++counted_.spawned;
    return std::make_unique<recording_effects>(counted_);
  }

 private:
  void check_thread() {
    if (std::this_thread::get_id() != home_) ++counted_.strays;
  }

  totals& counted_;
  std::thread::id home_;
  int depth_ = 0;
};

TEST(Effects, AreSpawnedForEachWorkerAndEnteredAndExitedAroundEachHandler) {
  recording_effects::totals counted;
  recording_effects mine(counted);
  {
    executor pool{{.workers = 3, .effects = &mine}};
    EXPECT_EQ(counted.spawned.load(), 3);
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(pool.run({},
                           [&](request_context& request) {
                             EXPECT_EQ(mayfly::current_scope(), &request.scope())
                                 << "the request's own scope is the current one";
                             EXPECT_NE(request.arena().allocate(10), nullptr);
                             EXPECT_GT(counted.entered.load(), counted.exited.load()) << "this one is entered";
                           })
                      .has_value());
    }
  }
  EXPECT_EQ(counted.entered.load(), 50);
  EXPECT_EQ(counted.exited.load(), 50);
  EXPECT_EQ(counted.strays.load(), 0) << "each on its own worker";
}

TEST(Effects, ThatCannotOpenAScopeEndTheRequestCancelled) {
  recording_effects::totals counted;
  recording_effects mine(counted);
  executor pool{{.workers = 1, .effects = &mine}};
  counted.refuse = true;
  std::atomic<bool> handled{false};
  EXPECT_EQ(pool.run({}, [&](request_context&) { handled = true; }).kind(), outcome_kind::cancelled);
  EXPECT_FALSE(handled.load());
}

TEST(Stats, CanBeSwitchedOffAndThenCountWithoutTimes) {
  executor pool{{.workers = 1, .statistics = false}};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(pool.run({}, [](request_context&) {}).has_value());
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  auto const stats = pool.stats();
  EXPECT_EQ(stats.values, 10U);
  EXPECT_TRUE(stats.queue_wait.empty());
  EXPECT_TRUE(stats.run_time.empty());
}

/// What a true length may be told as: clocks agree to 1 %, a histogram rounds up by at most 1/32.
std::chrono::nanoseconds at_least(std::chrono::nanoseconds truth) { return truth - truth / 100; }
std::chrono::nanoseconds at_most(std::chrono::nanoseconds truth) { return truth + truth / 16 + 1us; }

TEST(Stats, TellQueueWaitFromRunTime) {
  // One request holds the only worker, two wait behind it. What is told of them is compared with what was measured
  // around them, by inequalities that hold whatever else the machine does. They tell waiting from running where the
  // hold was by far the longest of all, so it is made longer until it was.
  for (std::chrono::nanoseconds hold = 2ms;; hold *= 2) {
    executor pool{{.workers = 1}};
    auto const begun = steady_clock::now();
    roadblock block(pool);
    auto const held = steady_clock::now();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(pool.try_submit({}, [](request_context&) {}, ignore));
    auto const queued = steady_clock::now();
    wait_until([&] { return steady_clock::now() - queued >= hold; });
    EXPECT_EQ(pool.stats().queued, 2U);
    EXPECT_EQ(pool.stats().in_flight, 3U);
    auto const released = steady_clock::now();
    block.open();
    wait_until([&] { return pool.stats().run_time.count() == 3; });  // counted just after a request has ended
    auto const ended = steady_clock::now();

    auto const stats = pool.stats();
    EXPECT_EQ(stats.accepted, 3U);
    EXPECT_EQ(stats.queue_wait.count(), 3U);
    EXPECT_GE(stats.queue_wait.p50(), at_least(released - queued)) << "two of the three waited";
    EXPECT_LE(stats.queue_wait.percentile(0), at_most(held - begun)) << "one did not";
    EXPECT_GE(stats.run_time.max(), at_least(released - queued)) << "one ran meanwhile";
    EXPECT_LE(stats.run_time.p50(), at_most(ended - released)) << "two ran afterwards";
    if (2 * at_most(held - begun) < hold && 2 * at_most(ended - released) < hold) return;
  }
}

}  // namespace
