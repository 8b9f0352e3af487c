#include "escape_support.hpp"
#include "support.hpp"
#include <mayfly/detached_coroutine.hpp>
#include <mayfly/executor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <latch>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <utility>

// Coroutines that nobody waits for (MF-E14).
namespace mayfly {
namespace {

using namespace std::chrono_literals;
using test::heard_escapes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using told = std::shared_ptr<std::promise<std::string>>;

told make_told() { return std::make_shared<std::promise<std::string>>(); }

void settle(executor& pool) {
  test::wait_until([&] { return pool.stats().in_flight == 0; });
}

detached_coroutine greet(told answer, std::string name) {
  EXPECT_EQ(current_scope(), nullptr) << "it runs in no scope";
  answer->set_value("hello " + name);
  co_return;
}

TEST(DetachedCoroutine, RunsOnAWorkerInNoScope) {
  executor pool{{.workers = 1}};
  told const answer = make_told();
  EXPECT_TRUE(pool.spawn({.route = "greet"}, greet(answer, "you")));
  EXPECT_EQ(answer->get_future().get(), "hello you");
  settle(pool);
  EXPECT_EQ(answer.use_count(), 1) << "the frame is gone";
  EXPECT_EQ(pool.stats().values, 1U);
}

TEST(DetachedCoroutine, OneThatWasSpawnedCannotBeSpawnedAgain) {
  executor pool{{.workers = 1}};
  told const answer = make_told();
  detached_coroutine once = greet(answer, "you");
  EXPECT_TRUE(pool.spawn({.route = "greet"}, std::move(once)));
  EXPECT_THROW(static_cast<void>(pool.spawn({.route = "greet"}, std::move(once))),  // NOLINT(bugprone-use-after-move)
               std::logic_error);
  EXPECT_EQ(answer->get_future().get(), "hello you");
}

TEST(DetachedCoroutine, OneThatIsNeverSpawnedNeverRunsAndItsParametersGo) {
  told const answer = make_told();
  {
    detached_coroutine const never = greet(answer, "nobody");
    EXPECT_EQ(answer.use_count(), 2);
  }
  EXPECT_EQ(answer.use_count(), 1);
}

detached_coroutine hop(executor& pool, told answer, int hops) {
  for (int i = 0; i < hops; ++i) {
    co_await resume_on(pool, {.route = "hop"});
    EXPECT_TRUE(pool.on_worker());
    EXPECT_EQ(current_scope(), nullptr);
  }
  answer->set_value("there");
}

TEST(DetachedCoroutine, EachTurnIsARequestOfItsOwn) {
  executor pool{{.workers = 2}};
  told const answer = make_told();
  EXPECT_TRUE(pool.spawn({}, hop(pool, answer, 100)));
  EXPECT_EQ(answer->get_future().get(), "there");
  settle(pool);
  EXPECT_EQ(answer.use_count(), 1);
  EXPECT_EQ(pool.stats().values, 101U);
}

detached_coroutine wait_a_little(executor& pool, told answer, std::chrono::nanoseconds delay) {
  auto const before = std::chrono::steady_clock::now();
  co_await resume_after(pool, delay);
  EXPECT_GE(std::chrono::steady_clock::now() - before, delay);
  answer->set_value("later");
}

TEST(DetachedCoroutine, ResumesAfterATime) {
  executor pool{{.workers = 1}};
  told const answer = make_told();
  EXPECT_TRUE(pool.spawn({}, wait_a_little(pool, answer, 5ms)));
  EXPECT_EQ(answer->get_future().get(), "later");
}

TEST(DetachedCoroutine, OneThatWaitsForItsTimerEndsWhenTheExecutorDrains) {
  executor pool{{.workers = 1}};
  told const answer = make_told();
  EXPECT_TRUE(pool.spawn({}, wait_a_little(pool, answer, 1h)));
  test::wait_until([&] { return pool.stats().timers_waiting == 1; });
  settle(pool);
  EXPECT_EQ(pool.drain(10s, 10s).timers_dropped, 1U);
  EXPECT_EQ(answer.use_count(), 1);
}

struct gates {
  std::latch begun{1};
  std::latch drained{1};
};

detached_coroutine resume_into_the_drain(executor& pool, told answer, std::shared_ptr<gates> both) {
  both->begun.count_down();
  both->drained.wait();
  co_await resume_on(pool);
  answer->set_value("never");
}

TEST(DetachedCoroutine, OneWhoseTurnIsRefusedEndsThere) {
  executor pool{{.workers = 1}};
  told const answer = make_told();
  auto const both = std::make_shared<gates>();
  EXPECT_TRUE(pool.spawn({}, resume_into_the_drain(pool, answer, both)));
  both->begun.wait();  // one that has not begun would be cancelled
  EXPECT_FALSE(pool.drain(0ns, 0ns).complete());
  both->drained.count_down();
  settle(pool);
  EXPECT_EQ(answer.use_count(), 1);
  EXPECT_EQ(pool.stats().refused_draining, 1U);
}

TEST(DetachedCoroutine, OneThatIsCancelledBeforeItBeginsNeverRuns) {
  executor pool{{.workers = 1}};
  told const answer = make_told();
  {
    test::roadblock const block(pool);
    auto const admitted = pool.spawn({}, greet(answer, "you"));
    ASSERT_TRUE(admitted);
    EXPECT_TRUE(pool.request_cancel(admitted.id()));
  }
  settle(pool);
  EXPECT_EQ(answer.use_count(), 1);
  EXPECT_EQ(pool.stats().cancelled, 1U);
}

detached_coroutine throw_up(told answer, bool after) {
  if (!after) throw std::runtime_error{"nobody hears"};
  answer->set_value("thrown");
  co_return;
}

TEST(DetachedCoroutine, WhatItThrowsIsCountedAndItsFrameGoes) {
  executor pool{{.workers = 1}};
  told const answer = make_told();
  EXPECT_TRUE(pool.spawn({}, throw_up(answer, false)));
  settle(pool);
  EXPECT_EQ(pool.stats().exceptions, 1U);
  EXPECT_EQ(answer.use_count(), 1);
}

TEST(DetachedCoroutine, ALambdaWithoutCapturesMayBeOne) {
  executor pool{{.workers = 1}};
  told const answer = make_told();
  auto const work = [](told mine) -> detached_coroutine {
    mine->set_value("lambda");
    co_return;
  };
  EXPECT_TRUE(pool.spawn({}, work(answer)));
  EXPECT_EQ(answer->get_future().get(), "lambda");
}

// ---- MF-E14

detached_coroutine keep(std::shared_ptr<int> number) {
  ADD_FAILURE() << *number;
  co_return;
}

TEST(DetachedCoroutine, AParameterThatPointsIntoTheCallersScopeIsRefused) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  EXPECT_TRUE(pool.run({.route = "outer"}, [&](request_context& request) {
    auto const shared = std::allocate_shared<int>(std::pmr::polymorphic_allocator<int>{request.memory()}, 5);
    EXPECT_EQ(pool.spawn({}, keep(shared)).reason(), admission_reason::escapes);
    EXPECT_EQ(shared.use_count(), 1);
  }));
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::argument_sent));
  EXPECT_EQ(pool.stats().refused_escapes, 1U);
}

TEST(DetachedCoroutine, DetachedParametersGoFromInsideAScopeWithoutAReport) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  told const answer = make_told();
  EXPECT_TRUE(pool.run({}, [&](request_context& request) {
    std::pmr::string const name{"whoever asks", request.memory()};
    EXPECT_TRUE(pool.spawn({}, greet(answer, detach(name))));
  }));
  EXPECT_EQ(answer->get_future().get(), "hello whoever asks");
  EXPECT_THAT(heard.reports(), IsEmpty());
}

}  // namespace
}  // namespace mayfly
