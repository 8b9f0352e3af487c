#include "support.hpp"
#include <mayfly/effect_handler.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/observer.hpp>

#include <gtest/gtest.h>

#include <atomic>
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

TEST(Stats, TellQueueWaitFromRunTime) {
  executor pool{{.workers = 1}};
  roadblock block(pool);
  ASSERT_TRUE(pool.try_submit({}, [](request_context&) {}, ignore));
  auto const since = std::chrono::steady_clock::now();
  wait_until([&] { return std::chrono::steady_clock::now() - since > 5ms; });
  EXPECT_EQ(pool.stats().queued, 1U);
  EXPECT_EQ(pool.stats().in_flight, 2U);
  block.open();
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  auto const stats = pool.stats();
  EXPECT_EQ(stats.accepted, 2U);
  EXPECT_EQ(stats.run_time.count(), 2U);
  EXPECT_GE(stats.queue_wait.max(), 5ms);
  EXPECT_GE(stats.run_time.max(), 5ms) << "the roadblock";
  EXPECT_LT(stats.run_time.percentile(0.5), 5ms) << "the other";
}

}  // namespace
