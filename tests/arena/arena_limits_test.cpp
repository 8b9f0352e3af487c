// What an arena does when it is refused memory: budgets, caps, sizes that cannot be.

#include "support.hpp"
#include "system_calls.hpp"
#include <mayfly/arena.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <limits>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

allocation_error refusal_of(arena& memory, std::size_t bytes, std::size_t alignment = 8) {
  try {
    static_cast<void>(memory.allocate(bytes, alignment));
  } catch (allocation_error const& error) {
    return error;
  }
  return {refusal::none, 0, 0, 0};
}

TEST(ArenaBudget, IsChargedByThePageAndRefusesTheFirstPageThatDoesNotFit) {
  page_pool pool{test::small_pool()};
  byte_budget budget{3 * 16 * kib - 1};
  arena memory{pool, {.budget = &budget}};
  while (memory.usage().page_count() < 2) static_cast<void>(memory.allocate(kib));
  EXPECT_EQ(budget.used(), 32 * kib);
  static_cast<void>(memory.allocate(memory.usage().room_bytes - 64 - detail::redzone_bytes));
  EXPECT_EQ(memory.try_allocate(kib), nullptr);
  allocation_error const error = refusal_of(memory, kib);
  EXPECT_EQ(error.reason(), refusal::byte_budget);
  EXPECT_EQ(error.limit(), 3 * 16 * kib - 1);
  EXPECT_EQ(error.used(), 32 * kib);
  EXPECT_EQ(error.asked(), 16 * kib) << "a page";
  EXPECT_STREQ(error.what(), "request byte budget exceeded: limit 49151 bytes, used 32768, asked 16384");
  EXPECT_NE(memory.try_allocate(8), nullptr) << "what fits the current page costs nothing";
  budget.restart(mib);  // as if somebody had raised it
  static_cast<void>(budget.try_charge(32 * kib));
  EXPECT_NE(memory.try_allocate(kib), nullptr);
  memory.reset();
  EXPECT_EQ(budget.used(), 0U);
}

TEST(ArenaBudget, HoldsExactlyThePagesThatFit) {
  page_pool pool{test::small_pool()};
  byte_budget budget{16 * kib};
  arena memory{pool, {.budget = &budget}};
  EXPECT_NE(memory.try_allocate(1), nullptr);
  EXPECT_EQ(budget.used(), 16 * kib);
  byte_budget less{16 * kib - 1};
  arena other{pool, {.budget = &less}};
  EXPECT_EQ(other.try_allocate(1), nullptr);
  EXPECT_EQ(less.used(), 0U);
}

TEST(ArenaBudget, IsSharedByArenas) {
  page_pool pool{test::small_pool()};
  byte_budget budget{48 * kib};
  arena first{pool, {.budget = &budget}};
  arena second{pool, {.budget = &budget}};
  static_cast<void>(first.allocate(1));
  static_cast<void>(second.allocate(1));
  EXPECT_EQ(budget.used(), 32 * kib);
  EXPECT_EQ(refusal_of(second, 20 * kib).reason(), refusal::byte_budget);
  first.reset();
  EXPECT_EQ(budget.used(), 16 * kib);
  EXPECT_NE(second.try_allocate(15 * kib), nullptr);
}

TEST(ArenaBudget, CountsBlocksByFourKib) {
  page_pool pool{test::small_pool()};
  byte_budget budget{mib};
  arena memory{pool, {.budget = &budget}};
  void* const block = memory.allocate(100 * kib + 1);
  EXPECT_EQ(budget.used(), 104 * kib);
  allocation_error const error = refusal_of(memory, mib - detail::redzone_bytes);
  EXPECT_EQ(error.reason(), refusal::byte_budget);
  EXPECT_EQ(error.used(), 104 * kib);
  EXPECT_EQ(error.asked(), mib);
  memory.deallocate(block, 100 * kib + 1);
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_NE(memory.try_allocate(mib - detail::redzone_bytes), nullptr);
  EXPECT_EQ(budget.used(), mib);
}

TEST(ArenaBudget, ASmallerPageIsTakenWhereTheLargerDoesNotFit) {
  page_pool pool{test::small_pool()};
  byte_budget budget{80 * kib};
  arena memory{pool, {.budget = &budget}};
  while (memory.reserved_bytes() < 64 * kib) static_cast<void>(memory.allocate(kib));
  while (memory.reserved_bytes() == 64 * kib) static_cast<void>(memory.allocate(kib));
  EXPECT_EQ(memory.usage().pages[0], 5U) << "64 KiB would have been next";
  EXPECT_EQ(budget.used(), 80 * kib);
}

TEST(ArenaLimits, TheCapOfThePoolIsReportedAndNothingStaysCharged) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 32 * kib}};
  byte_budget budget{mib};
  arena memory{pool, {.budget = &budget}};
  static_cast<void>(memory.allocate(10 * kib));
  static_cast<void>(memory.allocate(10 * kib));
  allocation_error const error = refusal_of(memory, 10 * kib);
  EXPECT_EQ(error.reason(), refusal::page_cap);
  EXPECT_EQ(error.limit(), 32 * kib);
  EXPECT_EQ(error.used(), 32 * kib);
  EXPECT_EQ(error.asked(), 10 * kib);
  EXPECT_EQ(refusal_of(memory, 100 * kib).reason(), refusal::page_cap);
  EXPECT_EQ(budget.used(), 32 * kib);
}

TEST(ArenaLimits, AnotherArenasReturnedPagesAreFoundUnderTheCap) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 32 * kib}};
  arena first{pool};
  arena second{pool};
  static_cast<void>(first.allocate(15 * kib));
  static_cast<void>(first.allocate(15 * kib));
  EXPECT_EQ(second.try_allocate(1), nullptr);
  first.reset();
  EXPECT_NE(second.try_allocate(1), nullptr);
}

TEST(ArenaLimits, ASizeThatCannotBeIsTooLarge) {
  page_pool pool{test::small_pool()};
  arena memory{pool};
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (std::size_t const bytes : {most, most - 7, most - 16, most / 2 + 1, most / 2}) {
    EXPECT_EQ(refusal_of(memory, bytes).reason(), refusal::too_large) << bytes;
    EXPECT_EQ(refusal_of(memory, bytes, 4096).reason(), refusal::too_large) << bytes;
    EXPECT_EQ(memory.try_allocate(bytes), nullptr);
  }
  EXPECT_EQ(refusal_of(memory, 1, most / 2 + 1).reason(), refusal::too_large);
  EXPECT_EQ(refusal_of(memory, most / 4).reason(), refusal::address_space);
  static_cast<void>(memory.allocate(1));
  EXPECT_EQ(refusal_of(memory, most, 64).reason(), refusal::too_large) << "with a page at hand";
}

TEST(ArenaLimits, ARefusalOfTheSystemCarriesErrnoAndTheArenaGoesOn) {
  page_pool pool{test::small_pool()};
  byte_budget budget{mib};
  arena memory{pool, {.budget = &budget}};
  {
    test::refused_call const refused{test::refused_call::name::mprotect, ENOMEM};
    for (std::size_t const bytes : {1 * kib, 100 * kib}) {
      allocation_error const error = refusal_of(memory, bytes);
      EXPECT_EQ(error.reason(), refusal::system);
      EXPECT_EQ(error.error_number(), ENOMEM);
      EXPECT_EQ(memory.try_allocate(bytes), nullptr);
    }
  }
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_NE(memory.try_allocate(1), nullptr);
}

}  // namespace
}  // namespace mayfly
