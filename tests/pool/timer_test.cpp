#include "escape_support.hpp"
#include "support.hpp"
#include <mayfly/executor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

// Timers: executor::spawn_after and cancel_timer.
namespace mayfly {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::heard_escapes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using done = std::shared_ptr<std::promise<steady_clock::time_point>>;

done make_done() { return std::make_shared<std::promise<steady_clock::time_point>>(); }

constexpr auto tell_time = [](request_context&, done const& told) { told->set_value(steady_clock::now()); };
constexpr auto nothing = [](request_context&, std::shared_ptr<int> const&) {};

/// Every timer that was set has ended, or waits.
void expect_balance(executor const& pool) {
  auto const now = pool.stats();
  EXPECT_EQ(now.timers_set, now.timers_fired + now.timers_cancelled + now.timers_dropped + now.timers_waiting);
}

TEST(Timer, FiresNotBeforeItsTime) {
  executor pool{{.workers = 1}};
  done const told = make_done();
  auto const before = steady_clock::now();
  auto const set = pool.spawn_after(20ms, {.route = "later"}, tell_time, told);
  ASSERT_TRUE(set);
  EXPECT_GE(set.id().due(), before + 20ms);
  EXPECT_GE(told->get_future().get(), set.id().due());
  test::wait_until([&] { return pool.stats().timers_fired == 1; });
  expect_balance(pool);
}

TEST(Timer, ADelayOfZeroOrLessFiresAtOnceAndAnEndlessOneNever) {
  executor pool{{.workers = 1}};
  for (auto const delay : {0ns, -5ns, std::chrono::nanoseconds::min()}) {
    done const told = make_done();
    ASSERT_TRUE(pool.spawn_after(delay, {}, tell_time, told));
    told->get_future().wait();
  }
  EXPECT_TRUE(pool.spawn_after(std::chrono::nanoseconds::max(), {}, nothing, nullptr));
  EXPECT_EQ(pool.stats().timers_waiting, 1U);
}

TEST(Timer, TimersOfOneMomentFireInTheOrderInWhichTheyWereSet) {
  timer_id const first{steady_clock::time_point{5ns}, 1};
  timer_id const second{steady_clock::time_point{5ns}, 2};
  timer_id const sooner{steady_clock::time_point{4ns}, 3};
  EXPECT_LT(first, second);
  EXPECT_LT(sooner, first);
  EXPECT_FALSE(timer_id{});
}

TEST(Timer, ASoonerOneSetLaterFiresFirst) {
  executor pool{{.workers = 1}};
  done const late = make_done();
  done const soon = make_done();
  auto const hour = pool.spawn_after(1h, {}, tell_time, late);
  ASSERT_TRUE(pool.spawn_after(1ms, {}, tell_time, soon));
  soon->get_future().wait();
  EXPECT_TRUE(pool.cancel_timer(hour.id()));
}

// ---- exactly one end

TEST(Timer, ACancelledOneNeverFiresAndItsArgumentsGo) {
  executor pool{{.workers = 1}};
  auto const witness = std::make_shared<int>(1);
  auto const set = pool.spawn_after(1h, {}, nothing, witness);
  EXPECT_EQ(witness.use_count(), 2);
  EXPECT_TRUE(pool.cancel_timer(set.id()));
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_FALSE(pool.cancel_timer(set.id())) << "twice";
  EXPECT_FALSE(pool.cancel_timer(timer_id{}));
  EXPECT_EQ(pool.stats().timers_cancelled, 1U);
  expect_balance(pool);
}

TEST(Timer, AFiredOneCannotBeCancelled) {
  executor pool{{.workers = 1}};
  done const told = make_done();
  auto const set = pool.spawn_after(0ns, {}, tell_time, told);
  told->get_future().wait();
  EXPECT_FALSE(pool.cancel_timer(set.id()));
}

TEST(Timer, DrainDropsWhatHasNotFiredAndSaysHowMany) {
  executor pool{{.workers = 1}};
  auto const witness = std::make_shared<int>(1);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.spawn_after(1h, {}, nothing, witness));
  auto const report = pool.drain(10s, 10s);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.timers_dropped, 3U);
  EXPECT_THAT(report.to_string(), HasSubstr("timers dropped: 3"));
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_EQ(pool.spawn_after(0ns, {}, nothing, witness).reason(), admission_reason::draining);
  EXPECT_EQ(pool.stats().timers_dropped, 3U);
  expect_balance(pool);
}

TEST(Timer, TheDestructorDropsThemToo) {
  auto const witness = std::make_shared<int>(1);
  {
    executor pool{{.workers = 1}};
    ASSERT_TRUE(pool.spawn_after(1h, {}, nothing, witness));
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Timer, OneWhoseTaskIsRefusedAtItsTimeIsDropped) {
  executor pool{{.workers = 1}};
  auto const witness = std::make_shared<int>(1);
  // Expired when it fires: the deadline is a point in time that has passed.
  ASSERT_TRUE(pool.spawn_after(0ns, {.deadline_at = steady_clock::now()}, nothing, witness));
  test::wait_until([&] { return pool.stats().timers_dropped == 1; });
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_EQ(pool.stats().refused_expired, 1U);
  expect_balance(pool);
}

TEST(Timer, BeyondTheBoundItIsRefused) {
  executor pool{{.workers = 1, .max_timers = 2}};
  auto const first = pool.spawn_after(1h, {}, nothing, nullptr);
  ASSERT_TRUE(pool.spawn_after(1h, {}, nothing, nullptr));
  EXPECT_EQ(pool.spawn_after(1h, {}, nothing, nullptr).reason(), admission_reason::queue_full);
  EXPECT_TRUE(pool.cancel_timer(first.id()));
  EXPECT_TRUE(pool.spawn_after(1h, {}, nothing, nullptr));
  EXPECT_EQ(pool.stats().refused_queue_full, 1U);
}

TEST(Timer, InAForkedChildItIsRefused) {
  executor pool{{.workers = 1}};
  auto const set = pool.spawn_after(1h, {}, nothing, nullptr);
  pid_t const child = fork();
  if (child == 0) {
    bool const refused = pool.spawn_after(0ns, {}, nothing, nullptr).reason() == admission_reason::forked_child;
    _exit(refused && !pool.cancel_timer(set.id()) && pool.stats().timers_set == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(pool.cancel_timer(set.id())) << "the parent's still waits";
}

/// Setting, cancelling, firing and draining at once: each timer's arguments go once, and each is counted once.
TEST(Timer, EachEndsInExactlyOneWayUnderARace) {
  test::shaken_schedules const shaken;
  auto const witness = std::make_shared<int>(1);
  constexpr int setters = 3;
  constexpr int each = 200;
  {
    executor pool{{.workers = 2}};
    std::atomic<int> set{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < setters; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          auto const timer = pool.spawn_after(std::chrono::microseconds{i % 50}, {}, nothing, witness);
          if (timer) set.fetch_add(1, std::memory_order_relaxed);
          if (timer && (i + t) % 3 == 0) pool.cancel_timer(timer.id());
        }
      });
    }
    test::wait_until([&] { return set.load(std::memory_order_relaxed) >= setters * each / 2; });
    pool.drain(10s, 10s);
    for (auto& thread : threads) thread.join();
    auto const end = pool.stats();
    EXPECT_EQ(end.timers_set, static_cast<std::uint64_t>(set.load()));
    EXPECT_EQ(end.timers_waiting, 0U);
    EXPECT_EQ(end.timers_fired, end.accepted) << "what fired is an accepted request";
    EXPECT_EQ(end.completed(), end.accepted);
    expect_balance(pool);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

// ---- MF-E14

TEST(Timer, AnArgumentThatPointsIntoTheCallersScopeIsRefused) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  EXPECT_TRUE(pool.run({.route = "outer"}, [&](request_context& request) {
    auto const address = reinterpret_cast<std::uintptr_t>(request.arena().make<int>(5));
    auto const task = [](request_context&, std::uintptr_t) {};
    EXPECT_EQ(request.spawn_after(1h, {}, task, address).reason(), admission_reason::escapes);
    EXPECT_TRUE(pool.spawn_after(1h, {}, task, std::uintptr_t{5}));
  }));
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::argument_sent));
  EXPECT_EQ(pool.stats().timers_waiting, 1U);
}

}  // namespace
}  // namespace mayfly
