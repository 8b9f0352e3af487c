// What AddressSanitizer sees: all that is not handed out is poisoned.

#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

struct ArenaPoisonDeathTest : testing::Test {
  ArenaPoisonDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void SetUp() override {
    if (!detail::sanitized) GTEST_SKIP() << "needs AddressSanitizer";
  }

  static void expect_poisoned(void const* address) {
    EXPECT_DEATH(static_cast<void>(*static_cast<char const volatile*>(address)), "use-after-poison");
  }

  page_pool pool{test::small_pool()};
  arena memory{pool};
};

TEST_F(ArenaPoisonDeathTest, UseAfterReset) {
  char const* const text = memory.copy("gone").data();
  memory.reset();
  expect_poisoned(text);
  char const* const again = memory.copy("here").data();
  EXPECT_EQ(again, text) << "the page was recycled";
  expect_poisoned(again + 5);
}

TEST_F(ArenaPoisonDeathTest, OverrunsBetweenAllocations) {
  for (std::size_t const bytes : {1U, 8U, 13U, 64U}) {
    auto* const first = static_cast<char*>(memory.allocate(bytes));
    auto* const second = static_cast<char*>(memory.allocate(bytes));
    EXPECT_GE(second - first, static_cast<std::ptrdiff_t>(bytes + 16));
    expect_poisoned(first + bytes);
    expect_poisoned(second - 1);
    expect_poisoned(second + bytes + 15);
  }
}

TEST_F(ArenaPoisonDeathTest, TheRoomOfThePageAndTheBytesBeforeItsFirstAllocation) {
  static_cast<void>(memory.allocate(8));
  auto* const last = static_cast<char*>(memory.allocate(8));
  auto const room = static_cast<std::ptrdiff_t>(memory.usage().room_bytes);
  expect_poisoned(last + 8 + 16);
  expect_poisoned(last + 8 + 16 + room - 1);
}

TEST_F(ArenaPoisonDeathTest, UseAfterRewind) {
  auto const point = memory.mark();
  auto* const first = static_cast<char*>(memory.allocate(8));
  auto const inner = memory.mark();
  auto* const second = static_cast<char*>(memory.allocate(8));
  memory.rewind(inner);
  expect_poisoned(second);
  *first = 1;
  memory.rewind(point);
  expect_poisoned(first);
}

TEST_F(ArenaPoisonDeathTest, UseAfterDeallocateOfTheLastAndOfAnOlderAllocation) {
  auto* const older = static_cast<char*>(memory.allocate(100));
  auto* const last = static_cast<char*>(memory.allocate(100));
  memory.deallocate(older, 100);
  memory.deallocate(last, 100);
  expect_poisoned(older);
  expect_poisoned(older + 99);
  expect_poisoned(last + 99);
}

TEST_F(ArenaPoisonDeathTest, BlocksBeyondTheirSizeAndAfterTheirEnd) {
  auto* const block = static_cast<char*>(memory.allocate(100 * kib + 5));
  block[100 * kib + 4] = 1;
  expect_poisoned(block + 100 * kib + 5);
  memory.deallocate(block, 100 * kib + 5);
  expect_poisoned(block);
}

TEST_F(ArenaPoisonDeathTest, WhatAnAllocationShrankBy) {
  auto* const text = static_cast<char*>(memory.allocate(100));
  ASSERT_TRUE(memory.try_extend(text, 100, 50));
  text[49] = 1;
  expect_poisoned(text + 50);
  expect_poisoned(text + 99);
  ASSERT_TRUE(memory.try_extend(text, 50, 80));
  text[79] = 1;
  expect_poisoned(text + 80);
}

TEST_F(ArenaPoisonDeathTest, PagesThatLieInThePool) {
  page_span const page = pool.take_page(0);
  expect_poisoned(page.data);
  pool.give_page(0, page.index);
}

}  // namespace
}  // namespace mayfly
