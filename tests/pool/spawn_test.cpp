#include "escape_support.hpp"
#include "support.hpp"
#include <mayfly/executor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <latch>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <utility>

// Detached tasks: executor::spawn and request_context::spawn (MF-E14).
namespace mayfly {
namespace {

using test::heard_escapes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::atomic<int> sum{0};

void add(request_context&, int number) { sum.fetch_add(number, std::memory_order_relaxed); }

void settle(executor& pool) {
  test::wait_until([&] { return pool.stats().in_flight == 0; });
}

TEST(Spawn, RunsAFunctionWithItsArgumentsInARequestOfItsOwn) {
  executor pool{{.workers = 2}};
  sum = 0;
  EXPECT_TRUE(pool.spawn({.route = "task"}, &add, 5));
  EXPECT_TRUE(pool.spawn(
      {.route = "task"},
      [](request_context& request, std::string const& text) {
        EXPECT_EQ(request.route(), "task");
        EXPECT_NE(request.arena().make<int>(1), nullptr);
        sum.fetch_add(static_cast<int>(text.size()), std::memory_order_relaxed);
      },
      std::string(20, 'x')));
  settle(pool);
  EXPECT_EQ(sum, 25);
  EXPECT_EQ(pool.stats().values, 2U);
}

TEST(Spawn, HandsArgumentsOverAsRvaluesSoThatTheyMayBeMoveOnly) {
  executor pool{{.workers = 1}};
  sum = 0;
  auto number = std::make_unique<int>(7);
  EXPECT_TRUE(pool.spawn({}, [](request_context&, std::unique_ptr<int> mine) { sum = *mine; }, std::move(number)));
  settle(pool);
  EXPECT_EQ(sum, 7);
}

TEST(Spawn, FromInsideARequestTheTaskOutlivesIt) {
  executor pool{{.workers = 1}};
  sum = 0;
  auto const outer = pool.run({.route = "outer"}, [](request_context& request) {
    std::pmr::string const text{"what the task needs is copied out of the arena", request.memory()};
    EXPECT_TRUE(request.spawn(
        {.route = "inner"},
        [](request_context& inner, std::string const& copy) {
          EXPECT_EQ(inner.route(), "inner");
          sum = static_cast<int>(copy.size());
        },
        detach(text)));
  });
  EXPECT_TRUE(outer.has_value());
  settle(pool);
  EXPECT_EQ(sum, 46);
}

TEST(Spawn, WhatATaskThrowsIsCountedAndGoesNoFurther) {
  executor pool{{.workers = 1}};
  EXPECT_TRUE(pool.spawn({}, [](request_context&) { throw std::runtime_error{"nobody hears"}; }));
  settle(pool);
  EXPECT_EQ(pool.stats().exceptions, 1U);
}

TEST(Spawn, ARefusedTaskLeavesNothing) {
  executor pool{{.workers = 1}};
  pool.drain(std::chrono::seconds{10}, std::chrono::seconds{10});
  auto const witness = std::make_shared<int>(1);
  auto const refused = pool.spawn({}, [](request_context&, std::shared_ptr<int> const&) {}, witness);
  EXPECT_EQ(refused.reason(), admission_reason::draining);
  EXPECT_EQ(witness.use_count(), 1);
}

// ---- MF-E14

TEST(Spawn, AnArgumentThatPointsIntoTheCallersScopeIsRefused) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  sum = 0;
  scope_id id;
  EXPECT_TRUE(pool.run({.route = "outer"}, [&](request_context& request) {
    id = request.id();
    auto const shared = std::allocate_shared<int>(std::pmr::polymorphic_allocator<int>{request.memory()}, 5);
    auto const task = [](request_context&, int, std::shared_ptr<int> const& number) { sum = *number; };
    EXPECT_EQ(request.spawn({}, task, 1, shared).reason(), admission_reason::escapes);
    EXPECT_EQ(shared.use_count(), 1);
    auto const address = reinterpret_cast<std::uintptr_t>(shared.get());
    EXPECT_EQ(pool.spawn({}, [](request_context&, std::uintptr_t) {}, address).reason(), admission_reason::escapes);
  }));
  settle(pool);
  EXPECT_EQ(sum, 0);
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::argument_sent, escape_rule::argument_sent));
  EXPECT_EQ(heard.reports().at(0).scope, id);
  EXPECT_EQ(heard.reports().at(0).route, "outer");
  EXPECT_EQ(pool.stats().refused_escapes, 2U);
}

TEST(Spawn, SoIsAnExceptionPtrWhoseExceptionDoes) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  EXPECT_TRUE(pool.run({}, [&](request_context& request) {
    auto const guilty = std::make_exception_ptr(request.arena().make<int>(5));
    auto const task = [](request_context&, std::exception_ptr const&) {};
    EXPECT_EQ(request.spawn({}, task, guilty).reason(), admission_reason::escapes);
    EXPECT_TRUE(request.spawn({}, task, std::make_exception_ptr(5)));
  }));
  EXPECT_THAT(heard.rules(), ElementsAre(escape_rule::argument_sent));
}

TEST(Spawn, DetachedArgumentsGoFromInsideAScopeWithoutAReport) {
  heard_escapes const heard;
  executor pool{{.workers = 1}};
  EXPECT_TRUE(pool.run({}, [](request_context& request) {
    static_cast<void>(request.arena().make<int>(1));
    auto const task = [](request_context&, std::shared_ptr<int> const&, std::string const&, scope_id) {};
    EXPECT_TRUE(request.spawn({}, task, std::make_shared<int>(1), std::string{"short"}, request.id()));
  }));
  settle(pool);
  EXPECT_THAT(heard.reports(), IsEmpty());
}

}  // namespace
}  // namespace mayfly
