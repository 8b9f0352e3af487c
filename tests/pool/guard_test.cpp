// Guard mode as an executor's option; what it does is tested in scopes.

#include "support.hpp"
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <signal.h>

namespace {

using mayfly::executor;
using mayfly::page_pool;
using mayfly::request_context;
using mayfly::detail::find_quarantined;
using mayfly::test::wait_until;

/// Runs a request that leaves an address of its memory behind, and waits until that memory is out of reach.
char volatile* leak_from(executor& pool) {
  std::atomic<char volatile*> left{nullptr};
  auto const taken = [&] { return pool.pages().stats().quarantine.taken; };  // counted once it is out of reach
  auto const before = taken();
  pool.submit("careless", [&](request_context& request) { left = request.arena().make_span<char>(100).data(); }).get();
  wait_until([&] { return taken() != before; });
  EXPECT_TRUE(find_quarantined(const_cast<char*>(left.load())));
  return left;
}

TEST(ExecutorGuard, IsOffByDefault) {
  executor pool{{.workers = 1}};
  pool.submit("careful", [](request_context& request) { static_cast<void>(request.arena().copy("text")); }).get();
  EXPECT_EQ(pool.pages().quarantine(), nullptr);
}

TEST(ExecutorGuard, KeepsTheMemoryOfRequestsOutOfReach) {
  executor pool{{.workers = 2, .guard = {.one_in = 1}}};
  char volatile* const left = leak_from(pool);
  EXPECT_NE(leak_from(pool), left);
  EXPECT_EQ(pool.pages().stats().quarantine.owners, 2U);
}

TEST(ExecutorGuard, KeepsAsMuchAsIsAsked) {
  std::size_t const page = executor{{.workers = 1}}.pages().class_bytes(0);
  for (mayfly::guard_options const& guard : {mayfly::guard_options{.one_in = 1, .quarantine_pages = 2},
                                             mayfly::guard_options{.one_in = 1, .quarantine_bytes = 2 * page}}) {
    executor pool{{.workers = 1, .guard = guard}};
    for (int i = 0; i < 5; ++i) leak_from(pool);
    EXPECT_EQ(pool.pages().stats().quarantine.taken, 5U);
    EXPECT_EQ(pool.pages().stats().quarantine.pages, 2U) << guard.quarantine_pages << ", " << guard.quarantine_bytes;
  }
}

TEST(ExecutorGuard, GuardsAsFewAsIsAsked) {
  executor pool{{.workers = 1, .guard = {.one_in = std::numeric_limits<std::uint32_t>::max()}}};
  for (int i = 0; i < 100; ++i) {
    pool.submit("lucky", [](request_context& request) { static_cast<void>(request.arena().copy("text")); }).get();
  }
  wait_until([&] { return pool.stats().in_flight == 0; });
  EXPECT_EQ(pool.pages().stats().quarantine.taken, 0U);
}

TEST(ExecutorGuard, WhatItGuardedGoesWithTheExecutorWhereThePoolStays) {
  page_pool pages{{.reserve_bytes = std::size_t{1} << 30U}};
  {
    executor pool{{.workers = 1, .pages = &pages, .guard = {.one_in = 1}}};
    leak_from(pool);
    EXPECT_EQ(pages.stats().quarantine.pages, 1U);
  }
  EXPECT_EQ(pages.stats().quarantine.pages, 0U);
  EXPECT_EQ(pages.stats().pages_in_use(), 0U);
}

TEST(ExecutorGuard, GuardedMemoryCountsAsFreeWhereRequestsAreAdmitted) {
  executor pool{{.workers = 1, .page_budget_bytes = std::size_t{256} << 10U, .guard = {.one_in = 1}}};
  for (int i = 0; i < 100; ++i) {
    pool.submit("small", [](request_context& request) { static_cast<void>(request.arena().copy("text")); }).get();
  }
  EXPECT_EQ(pool.stats().refused_over_budget, 0U);
  EXPECT_LE(pool.pages().committed_bytes(), std::size_t{256} << 10U);
}

TEST(ExecutorGuard, WorkersHaveASignalStackWhereItIsOn) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer brings its own";
#endif
  executor pool{{.workers = 1, .guard = {.one_in = 1}}};
  bool has_one = false;
  pool.submit("look",
              [&](request_context&) {
                stack_t stack{};
                ::sigaltstack(nullptr, &stack);
                has_one = (stack.ss_flags & SS_DISABLE) == 0;
              })
      .get();
  EXPECT_TRUE(has_one);
}

void use_late() {
  executor pool{{.workers = 1, .guard = {.one_in = 1}}};
  *leak_from(pool) = 1;
}

TEST(ExecutorGuardDeathTest, ALateUseIsReportedWithTheRoute) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(use_late(), testing::AllOf(testing::HasSubstr("MF-E31"), testing::HasSubstr("route=\"careless\"")));
}

}  // namespace
