#include "support.hpp"
#include <mayfly/byte_budget.hpp>

#include <gtest/gtest.h>

#include <atomic>

namespace mayfly {
namespace {

TEST(ByteBudget, TakesTheLastByteThatFitsAndNoMore) {
  byte_budget budget{100};
  EXPECT_TRUE(budget.try_charge(99));
  EXPECT_FALSE(budget.try_charge(2));
  EXPECT_EQ(budget.used(), 99U);
  EXPECT_TRUE(budget.try_charge(1));
  EXPECT_FALSE(budget.try_charge(1));
  EXPECT_TRUE(budget.try_charge(0));
  budget.refund(100);
  EXPECT_TRUE(budget.try_charge(100));
}

TEST(ByteBudget, DoesNotOverflow) {
  byte_budget budget{100};
  EXPECT_TRUE(budget.try_charge(60));
  EXPECT_FALSE(budget.try_charge(byte_budget::unlimited));
  EXPECT_FALSE(budget.try_charge(byte_budget::unlimited - 59));
  byte_budget unlimited;
  EXPECT_TRUE(unlimited.try_charge(byte_budget::unlimited));
  EXPECT_FALSE(unlimited.try_charge(1));
}

TEST(ByteBudget, StartsOverWithANewLimit) {
  byte_budget budget{10};
  EXPECT_TRUE(budget.try_charge(10));
  budget.restart(20);
  EXPECT_EQ(budget.limit(), 20U);
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_TRUE(budget.try_charge(20));
}

TEST(ByteBudget, IsNeverOverdrawnByManyThreads) {
  byte_budget budget{1'000};
  std::atomic<std::size_t> held{0};
  std::atomic<bool> overdrawn{false};
  test::run_threads(4, [&](std::size_t thread) {
    std::size_t const bytes = 300 + thread;
    for (int i = 0; i < 20'000; ++i) {
      if (!budget.try_charge(bytes)) continue;
      if (held.fetch_add(bytes) + bytes > 1'000) overdrawn = true;
      held.fetch_sub(bytes);
      budget.refund(bytes);
    }
  });
  EXPECT_FALSE(overdrawn);
  EXPECT_EQ(budget.used(), 0U);
}

TEST(ByteBudget, CanBeReadWhileItStartsOver) {
  byte_budget budget{1};
  std::atomic<bool> done{false};
  std::atomic<std::size_t> seen{1};
  std::jthread const reader{[&] {
    while (!done) seen = budget.limit() + budget.used();
  }};
  for (std::size_t limit = 1; limit < 10'000; ++limit) budget.restart(limit);
  done = true;
  EXPECT_LT(seen, 10'000U);
}

}  // namespace
}  // namespace mayfly
