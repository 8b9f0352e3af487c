// Pages of ended owners out of reach for a while, within limits, and never lost.

#include "support.hpp"
#include "system_calls.hpp"
#include <mayfly/arena.hpp>
#include <mayfly/detail/page_quarantine.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <string>

namespace mayfly {
namespace {

using test::kib;
using test::mib;
using test::refused_call;

struct PageQuarantine : testing::Test {
  /// An owner with `pages` pages (of 16 KiB, the first four) and, where `block_bytes` is not 0, one block; closed into
  /// the quarantine. Returns its first allocation.
  char* close_owner(std::uint64_t owner, std::size_t pages = 1, std::size_t block_bytes = 0) {
    arena memory{pool, {.owner_tag = owner}};
    char* first = nullptr;  // not initialised with it: Clang would see that what is returned is the arena's
    first = static_cast<char*>(memory.allocate(4 * kib));
    *first = static_cast<char>(owner);
    for (std::size_t page = 1; page < pages; ++page) static_cast<void>(memory.allocate(14 * kib));
    if (block_bytes != 0) last_block = static_cast<char*>(memory.allocate(block_bytes));
    detail::quarantine_admission into{*pool.quarantine(), {.owner = owner, .words = {owner * 10}}};
    memory.reset_into(into);
    return first;
  }

  [[nodiscard]] std::uint64_t all_pages() const {
    auto const stats = pool.stats();
    std::uint64_t sum = 0;
    for (auto const& c : stats.classes) {
      sum += c.in_use + c.in_magazines + c.in_depot + c.in_quarantine + c.returned;
    }
    return sum;
  }

  page_pool pool{test::small_pool()};
  char* last_block = nullptr;
};

TEST_F(PageQuarantine, KeepsAnOwnersPagesAndSaysWhoseTheyAre) {
  pool.start_quarantine();
  char* const memory = close_owner(7, 3);
  auto const stats = pool.stats();
  EXPECT_EQ(stats.pages_in_use(), 0U);
  EXPECT_EQ(stats.quarantine.owners, 1U);
  EXPECT_EQ(stats.quarantine.pages, 3U);
  EXPECT_EQ(stats.quarantine.taken, 3U);
  EXPECT_EQ(stats.quarantine.bytes, stats.committed_bytes);
  auto const note = pool.quarantine()->find(memory);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->owner, 7U);
  EXPECT_EQ(note->words[0], 70U);
  EXPECT_EQ(detail::find_quarantined(memory + 15'000)->owner, 7U) << "anywhere in the page";
  EXPECT_FALSE(detail::find_quarantined(&pool));
}

TEST_F(PageQuarantine, HandlesIntoWhatItTakesNameNothingFromThenOn) {
  pool.start_quarantine();
  arena memory{pool, {.owner_tag = 7}};
  int owner = 0;
  auto const page = pool.make_handle(memory.allocate(8), &owner, 7);
  auto const block = pool.make_handle(memory.allocate(300 * kib), &owner, 7);
  ASSERT_NE(detail::address_of(detail::anchor_of(page), page), nullptr);
  ASSERT_NE(detail::address_of(detail::anchor_of(block), block), nullptr);
  {
    detail::quarantine_admission into{*pool.quarantine(), {.owner = 7}};
    memory.reset_into(into);
  }
  EXPECT_EQ(pool.stats().quarantine.pages, 1U);
  EXPECT_EQ(detail::address_of(detail::anchor_of(page), page), nullptr);
  EXPECT_EQ(detail::address_of(detail::anchor_of(block), block), nullptr);
}

TEST_F(PageQuarantine, APageIsNotHandedOutWhileItLiesThere) {
  pool.start_quarantine({.pages = 4});
  char* const memory = close_owner(1);
  for (std::uint64_t owner = 2; owner <= 4; ++owner) EXPECT_NE(close_owner(owner), memory) << owner;
  EXPECT_TRUE(detail::find_quarantined(memory));
  close_owner(5);
  EXPECT_FALSE(detail::find_quarantined(memory)) << "the fifth of four pages: first in, first out";
  EXPECT_EQ(close_owner(6), memory);
  EXPECT_EQ(pool.stats().quarantine.pages, 4U);
}

TEST_F(PageQuarantine, WhatLivesThereIsNotFoundAfterItHasGone) {
  pool.start_quarantine();
  char* const memory = close_owner(1, 2, 300 * kib);
  EXPECT_TRUE(detail::find_quarantined(memory));
  EXPECT_TRUE(detail::find_quarantined(last_block + 299 * kib));
  std::size_t const bytes = pool.stats().quarantine.bytes;
  EXPECT_EQ(pool.release_quarantine(), bytes);
  EXPECT_FALSE(detail::find_quarantined(memory));
  EXPECT_FALSE(detail::find_quarantined(last_block));
  detail::unpoison(memory, 1);
  *memory = 1;  // accessible again
  detail::poison(memory, 1);
}

TEST_F(PageQuarantine, ALimitInBytesLetsTheOldestGoAndWhatIsLargerNotIn) {
  pool.start_quarantine({.bytes = 2 * mib});
  close_owner(1, 1, mib);
  char* const first_block = last_block;
  close_owner(2, 1, mib);
  EXPECT_FALSE(detail::find_quarantined(first_block));
  EXPECT_TRUE(detail::find_quarantined(last_block));
  EXPECT_LE(pool.stats().quarantine.bytes, 2 * mib);
  EXPECT_EQ(pool.stats().quarantine.overflowed, 0U);
  char* const page = close_owner(3, 1, 3 * mib);
  EXPECT_TRUE(detail::find_quarantined(page)) << "as much of the owner as there is room for";
  EXPECT_FALSE(detail::find_quarantined(last_block));
  EXPECT_EQ(pool.stats().quarantine.overflowed, 1U);
  EXPECT_EQ(pool.stats().blocks_in_use, 0U);
}

TEST_F(PageQuarantine, AnOwnerLargerThanAllOfItIsKeptInPart) {
  pool.start_quarantine({.pages = 3});
  close_owner(1, 8);
  auto const stats = pool.stats();
  EXPECT_EQ(stats.quarantine.pages, 3U);
  EXPECT_GT(stats.quarantine.overflowed, 0U);
  EXPECT_EQ(stats.pages_in_use(), 0U);
  EXPECT_EQ(all_pages(), test::pages_made(pool));
}

TEST_F(PageQuarantine, EachPageCountsAsTwoMappings) {
  pool.start_quarantine({.mappings = 7});
  for (std::uint64_t owner = 1; owner <= 5; ++owner) close_owner(owner);
  EXPECT_EQ(pool.stats().quarantine.pages, 3U);
  page_pool other{test::small_pool()};
  other.start_quarantine({.mappings = 7});
  arena memory{other, {.owner_tag = 9}};
  static_cast<void>(memory.allocate(8));
  {
    detail::quarantine_admission into{*other.quarantine(), {.owner = 9}};
    memory.reset_into(into);
  }
  EXPECT_EQ(other.stats().quarantine.pages, 0U) << "the limit is for all quarantines of the process";
  EXPECT_EQ(other.stats().quarantine.overflowed, 1U);
  pool.release_quarantine();
  EXPECT_GE(detail::largest_map_count(), 1'024U);
}

TEST_F(PageQuarantine, WhatTheSystemWillNotProtectGoesBackToThePool) {
  if (detail::sanitized) GTEST_SKIP() << "needs the library's own mprotect calls";
  pool.start_quarantine();
  {
    close_owner(1, 2, 300 * kib);
    pool.release_quarantine();
    refused_call const refused{refused_call::name::mprotect, ENOMEM, 1};
    char* const memory = close_owner(2, 2, 300 * kib);
    EXPECT_EQ(refused.refusals(), 2U);
    *memory = 1;
  }
  auto const stats = pool.stats();
  EXPECT_EQ(stats.quarantine.refused, 2U);
  EXPECT_EQ(stats.quarantine.pages + stats.quarantine.blocks, 1U);
  EXPECT_EQ(stats.pages_in_use() + stats.blocks_in_use, 0U);
  EXPECT_EQ(all_pages(), test::pages_made(pool));
}

TEST_F(PageQuarantine, WhatTheSystemWillNotOpenStaysAndIsTriedAgain) {
  if (detail::sanitized) GTEST_SKIP() << "needs the library's own mprotect calls";
  pool.start_quarantine();
  close_owner(1, 2, 300 * kib);
  {
    refused_call const refused{refused_call::name::mprotect, ENOMEM};
    EXPECT_EQ(pool.release_quarantine(), 0U);
    EXPECT_EQ(pool.stats().quarantine.pages, 2U);
    EXPECT_EQ(pool.stats().quarantine.blocks, 1U);
    EXPECT_EQ(all_pages(), test::pages_made(pool));
  }
  EXPECT_GT(pool.release_quarantine(), 300 * kib);
  EXPECT_EQ(pool.stats().quarantine.pages, 0U);
  EXPECT_EQ(pool.stats().quarantine.blocks, 0U);
  EXPECT_EQ(pool.stats().quarantine.bytes, 0U);
}

/// While the system goes on refusing, an owner that ends does not pay for all that were refused before it.
TEST_F(PageQuarantine, AnAdmissionTriesOneOfTheStuckPagesAgainAndOthersWhereThatGoesWell) {
  if (detail::sanitized) GTEST_SKIP() << "needs the library's own mprotect calls";
  pool.start_quarantine();
  close_owner(1, 9, 300 * kib);
  {
    refused_call const refused{refused_call::name::mprotect, ENOMEM};
    pool.release_quarantine();
    ASSERT_EQ(pool.stats().quarantine.pages + pool.stats().quarantine.blocks, 7U);
    std::size_t const before = refused.refusals();
    close_owner(2);
    EXPECT_EQ(refused.refusals() - before, 2U) << "a stuck page, and its own";
  }
  {
    refused_call const refused{refused_call::name::mprotect, ENOMEM, 3};
    close_owner(3);
    EXPECT_EQ(refused.refusals(), 2U) << "three stuck pages went, the next did not, and its own";
    EXPECT_EQ(pool.stats().quarantine.pages + pool.stats().quarantine.blocks, 4U);
  }
  close_owner(4);
  EXPECT_EQ(pool.stats().quarantine.pages, 1U) << "its own; all the others are back";
  EXPECT_EQ(pool.stats().quarantine.blocks, 0U);
  EXPECT_EQ(all_pages(), test::pages_made(pool));
}

TEST_F(PageQuarantine, TrimEmptiesIt) {
  pool.start_quarantine();
  close_owner(1, 2, 300 * kib);
  EXPECT_GE(pool.trim(), 300 * kib) << "the block; the pages go to this thread's magazine";
  EXPECT_EQ(pool.stats().quarantine.pages + pool.stats().quarantine.blocks, 0U);
  EXPECT_EQ(pool.stats().classes[0].in_magazines, 2U);
}

TEST(PageQuarantineLimits, GiveWayBeforeThePoolRefusesAPage) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 4 * 16 * kib}};
  pool.start_quarantine();
  for (std::uint64_t owner = 1; owner <= 20; ++owner) {
    arena memory{pool, {.owner_tag = owner}};
    auto* const first = static_cast<char*>(memory.try_allocate(8));
    ASSERT_NE(first, nullptr) << owner;
    detail::quarantine_admission into{*pool.quarantine(), {.owner = owner}};
    memory.reset_into(into);
  }
  EXPECT_LE(pool.stats().committed_bytes, 4 * 16 * kib);
}

TEST(PageQuarantineLimits, GiveWayBeforeThePoolRefusesABlock) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 4 * 16 * kib}};
  pool.start_quarantine();
  for (std::uint64_t owner = 1; owner <= 4; ++owner) {
    arena memory{pool, {.owner_tag = owner}};
    static_cast<void>(memory.allocate(8));
    detail::quarantine_admission into{*pool.quarantine(), {.owner = owner}};
    memory.reset_into(into);
  }
  EXPECT_EQ(pool.stats().quarantine.pages, 4U);
  page_span const block = pool.take_block(60 * kib, 1);
  EXPECT_NE(block.data, nullptr);
  pool.give_block(block.index);
}

TEST(PageQuarantineLimits, GiveWayBeforeThePoolRunsOutOfAddresses) {
  page_pool pool{{.reserve_bytes = 16 * mib}};
  pool.start_quarantine({.pages = 65'536, .bytes = 64 * mib});
  for (std::uint64_t owner = 1; owner <= 20; ++owner) {
    arena memory{pool, {.owner_tag = owner}};
    for (int i = 0; i < 3; ++i) ASSERT_NE(memory.try_allocate(3 * mib), nullptr) << owner;
    ASSERT_NE(memory.try_allocate(8), nullptr) << owner;
    detail::quarantine_admission into{*pool.quarantine(), {.owner = owner}};
    memory.reset_into(into);
  }
}

TEST(PageQuarantineLimits, NonsenseIsRefusedByName) {
  page_pool pool{test::small_pool()};
  auto const message = [&](quarantine_limits const& limits) -> std::string {
    try {
      pool.start_quarantine(limits);
    } catch (std::invalid_argument const& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message({.pages = 0}), testing::HasSubstr("quarantine_limits.pages is 0"));
  EXPECT_THAT(message({.pages = 65'537}), testing::HasSubstr("must be 1 to 65536"));
  EXPECT_THAT(message({.bytes = 16 * kib - 1}), testing::HasSubstr("quarantine_limits.bytes is 16383"));
  EXPECT_EQ(pool.quarantine(), nullptr);
  EXPECT_EQ(message({.pages = 65'536}), "accepted");
  EXPECT_EQ(message({.pages = 1, .bytes = 16 * kib}), "accepted") << "lowers nothing";
}

TEST(PageQuarantineLimits, ASecondStartRaisesThem) {
  page_pool pool{test::small_pool()};
  pool.start_quarantine({.pages = 1});
  auto const* const first = pool.quarantine();
  pool.start_quarantine({.pages = 2});
  EXPECT_EQ(pool.quarantine(), first);
  for (std::uint64_t owner = 1; owner <= 3; ++owner) {
    arena memory{pool, {.owner_tag = owner}};
    static_cast<void>(memory.allocate(8));
    detail::quarantine_admission into{*pool.quarantine(), {.owner = owner}};
    memory.reset_into(into);
  }
  EXPECT_EQ(pool.stats().quarantine.pages, 2U);
}

TEST(PageQuarantineThreads, NothingIsLostWhileManyCloseTakeAndRelease) {
  page_pool pool{{.reserve_bytes = 64 * mib, .magazine_pages = {2, 2, 2}}};
  pool.start_quarantine({.pages = 24});
  std::atomic<std::uint64_t> owners{0};
  test::run_threads(4, [&](std::size_t thread) {
    for (int round = 0; round < 300; ++round) {
      std::uint64_t const owner = ++owners;
      arena memory{pool, {.owner_tag = owner}};
      auto* const first = static_cast<char*>(memory.allocate(1));
      *first = 1;  // faults where a page is handed out before it is open
      static_cast<void>(memory.allocate(15 * kib));
      if (thread == 0) static_cast<void>(memory.allocate(70 * kib));
      {
        detail::quarantine_admission into{*pool.quarantine(), {.owner = owner, .words = {owner + 1}}};
        memory.reset_into(into);
      }
      if (auto const note = detail::find_quarantined(first); note && note->owner == owner) {
        EXPECT_EQ(note->words[0], owner + 1);
      }
      if (round % 50 == 0) pool.release_quarantine(64 * kib);
    }
  });
  auto const stats = pool.stats();
  EXPECT_LE(stats.quarantine.pages + stats.quarantine.blocks, 24U);
  EXPECT_EQ(stats.pages_in_use() + stats.blocks_in_use, 0U);
  pool.release_quarantine();
  pool.trim(true);
  EXPECT_EQ(pool.stats().quarantine.bytes, 0U);
}

struct PageQuarantineDeathTest : testing::Test {
  PageQuarantineDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(PageQuarantineDeathTest, TouchingAQuarantinedPageOrBlockEndsTheProgram) {
  page_pool pool{test::small_pool()};
  pool.start_quarantine();
  arena memory{pool, {.owner_tag = 1}};
  auto* const small = static_cast<char volatile*>(memory.allocate(8));
  auto* const large = static_cast<char volatile*>(memory.allocate(300 * kib));
  *small = 1;
  {
    detail::quarantine_admission into{*pool.quarantine(), {.owner = 1}};
    memory.reset_into(into);
  }
  char const* const expected = detail::sanitized ? "use-after-poison" : "";
  EXPECT_DEATH(static_cast<void>(*small), expected);
  EXPECT_DEATH(*small = 2, expected);
  EXPECT_DEATH(static_cast<void>(large[299 * kib]), expected);
}

}  // namespace
}  // namespace mayfly
