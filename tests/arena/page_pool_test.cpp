#include "support.hpp"
#include <mayfly/page_pool.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <set>
#include <stdexcept>
#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;
using testing::HasSubstr;
using testing::ThrowsMessage;

void expect_refused(page_pool_options const& options, std::string const& name) {
  EXPECT_THAT([&] { page_pool{options}; }, ThrowsMessage<std::invalid_argument>(HasSubstr(name))) << name;
}

TEST(PagePool, RefusesNonsenseByTheOptionsName) {
  expect_refused({.reserve_bytes = 16 * mib - 1}, "reserve_bytes");
  expect_refused({.reserve_bytes = (std::size_t{1} << 40U) + 1}, "reserve_bytes");
  expect_refused({.class_bytes = {3 * kib, 64 * kib, 256 * kib}}, "class_bytes[0]");
  expect_refused({.class_bytes = {2 * kib, 64 * kib, 256 * kib}}, "class_bytes[0]");
  expect_refused({.class_bytes = {64 * kib, 64 * kib, 256 * kib}}, "class_bytes[1]");
  expect_refused({.class_bytes = {16 * kib, 64 * kib, 4 * mib}}, "class_bytes[2]");
  expect_refused({.growth_percent = 10'001}, "growth_percent");
  expect_refused({.largest_in_page_bytes = 4 * kib - 1}, "largest_in_page_bytes");
  expect_refused({.largest_in_page_bytes = 128 * kib + 1}, "largest_in_page_bytes");
  expect_refused({.magazine_pages = {0, 1, 1}}, "magazine_pages[0]");
  expect_refused({.magazine_pages = {1, 1, 4097}}, "magazine_pages[2]");
  expect_refused({.max_bytes = 16 * kib - 1}, "max_bytes");
  expect_refused({.idle_epochs = 0}, "idle_epochs");
  expect_refused({.idle_epochs = 65}, "idle_epochs");
}

TEST(PagePool, AcceptsTheLastValuesThatMakeSense) {
  page_pool const smallest{{.reserve_bytes = 16 * mib,
                            .max_bytes = 4 * kib,
                            .class_bytes = {4 * kib, 8 * kib, 2 * mib},
                            .growth_percent = 10'000,
                            .largest_in_page_bytes = mib,
                            .magazine_pages = {1, 4096, 1},
                            .idle_cap_bytes = 0,
                            .idle_floor_bytes = 0,
                            .block_cache_bytes = 0}};
  EXPECT_EQ(smallest.reserved_bytes(), 16 * mib);
  page_pool const odd{{.reserve_bytes = 17 * mib}};
  EXPECT_EQ(odd.reserved_bytes(), 16 * mib) << "whole spans";
}

TEST(PagePool, HoldsNoMemoryUntilAskedForAPage) {
  page_pool const pool;
  EXPECT_EQ(pool.committed_bytes(), 0U);
  EXPECT_EQ(pool.reserved_bytes(), 64 * test::gib);
}

TEST(PagePool, GivesDistinctWritablePagesAlignedToTheirSize) {
  page_pool pool{test::small_pool()};
  std::vector<std::vector<page_span>> taken(page_pool::classes);
  std::set<std::byte*> starts;
  for (std::size_t c = 0; c < page_pool::classes; ++c) {
    for (int i = 0; i < 20; ++i) {
      page_span const page = pool.take_page(c);
      ASSERT_NE(page.data, nullptr);
      EXPECT_EQ(page.bytes, pool.class_bytes(c));
      EXPECT_TRUE(test::is_aligned(page.data, page.bytes));
      EXPECT_TRUE(pool.contains(page.data));
      EXPECT_EQ(pool.page_address(page.index), page.data);
      EXPECT_TRUE(starts.insert(page.data).second);
      detail::unpoison(page.data, page.bytes);
      std::memset(page.data, i, page.bytes);
      taken[c].push_back(page);
    }
  }
  EXPECT_EQ(pool.stats().pages_in_use(), 60U);
  EXPECT_EQ(pool.committed_bytes(), 20 * (16 + 64 + 256) * kib);
  for (std::size_t c = 0; c < page_pool::classes; ++c) {
    for (page_span const& page : taken[c]) pool.give_page(c, page.index);
  }
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
}

TEST(PagePool, GivesThePageReturnedLastFirst) {
  page_pool pool{test::small_pool()};
  page_span const page = pool.take_page(0);
  pool.give_page(0, page.index);
  for (int i = 0; i < 10; ++i) {
    page_span const again = pool.take_page(0);
    EXPECT_EQ(again.data, page.data);
    pool.give_page(0, again.index);
  }
  EXPECT_EQ(test::pages_made(pool), 1U);
  EXPECT_EQ(pool.stats().classes[0].from_magazine, 10U);
  EXPECT_EQ(pool.stats().classes[0].from_system, 1U);
}

TEST(PagePool, CountsWhereEveryPageIs) {
  page_pool pool{{.reserve_bytes = 64 * mib, .magazine_pages = {4, 4, 4}, .idle_cap_bytes = 6 * 16 * kib}};
  std::vector<page_span> pages;
  for (int i = 0; i < 30; ++i) pages.push_back(pool.take_page(0));
  for (int i = 0; i < 27; ++i) pool.give_page(0, pages[static_cast<std::size_t>(i)].index);
  auto const stats = pool.stats();
  page_class_stats const& pages16 = stats.classes[0];
  EXPECT_EQ(pages16.made, 30U);
  EXPECT_EQ(pages16.in_use, 3U);
  EXPECT_LE(pages16.in_magazines, 9U) << "two magazines and one page";
  EXPECT_LE(pages16.in_depot, 6U) << "idle_cap_bytes";
  EXPECT_EQ(pages16.in_magazines + pages16.in_depot + pages16.returned, 27U);
  EXPECT_EQ(stats.committed_bytes, (30 - pages16.returned) * 16 * kib);
  EXPECT_EQ(stats.peak_committed_bytes, 30 * 16 * kib);
  for (int i = 27; i < 30; ++i) pool.give_page(0, pages[static_cast<std::size_t>(i)].index);

  // All of them come back before a new one is made, wherever they lay.
  pages.clear();
  for (int i = 0; i < 30; ++i) pages.push_back(pool.take_page(0));
  EXPECT_EQ(test::pages_made(pool), 30U);
  EXPECT_EQ(pool.committed_bytes(), 30 * 16 * kib);
  EXPECT_GT(pool.stats().classes[0].from_depot, 0U);
  for (page_span const& page : pages) pool.give_page(0, page.index);
}

TEST(PagePool, KnowsTheOwnerOfEveryAddressInAPageAndNoOther) {
  page_pool pool{test::small_pool()};
  int outside = 0;
  EXPECT_EQ(pool.owner_of(&outside), 0U);
  EXPECT_EQ(pool.owner_of(nullptr), 0U);
  arena first{pool, {.owner_tag = 11, .first_class = 1}};
  arena second{pool, {.owner_tag = 22}};
  auto* const one = static_cast<std::byte*>(first.allocate(1000));
  auto* const two = static_cast<std::byte*>(second.allocate(1000));
  auto* const block = static_cast<std::byte*>(first.allocate(300 * kib));
  auto* const run = static_cast<std::byte*>(second.allocate(5 * mib));
  for (std::size_t at : {0U, 999U}) {
    EXPECT_EQ(pool.owner_of(one + at), 11U);
    EXPECT_EQ(pool.owner_of(two + at), 22U);
  }
  EXPECT_EQ(pool.owner_of(block + 300 * kib - 1), 11U);
  EXPECT_EQ(pool.owner_of(run + 5 * mib - 1), 22U);
  std::byte const* const reservation = pool.page_address(0);
  EXPECT_EQ(pool.owner_of(reservation - 1), 0U);
  EXPECT_EQ(pool.owner_of(reservation + pool.reserved_bytes()), 0U);
  EXPECT_EQ(pool.owner_of(reservation + pool.reserved_bytes() - 1), 0U) << "a span that is not in use";
  first.reset();
  second.reset();
  for (std::byte const* address : {one, two, block, run}) EXPECT_EQ(pool.owner_of(address), 0U);
}

TEST(PagePool, TrimLeavesTheFloorAndTakesSleepingThreadsPagesWhenAsked) {
  page_pool pool{{.reserve_bytes = 64 * mib, .magazine_pages = {8, 8, 8}, .idle_floor_bytes = 3 * 16 * kib}};
  EXPECT_EQ(pool.trim(true), 0U);
  std::vector<page_span> pages;
  for (int i = 0; i < 64; ++i) pages.push_back(pool.take_page(0));
  for (page_span const& page : pages) pool.give_page(0, page.index);
  std::uint64_t const kept = pool.stats().classes[0].in_magazines;
  std::size_t const freed = pool.trim();
  EXPECT_EQ(freed, (64 - kept - pool.stats().classes[0].in_depot) * 16 * kib) << "whole magazines";
  EXPECT_LE(pool.stats().classes[0].in_depot, 3U);
  EXPECT_EQ(pool.stats().classes[0].in_magazines, kept);
  pool.trim(true);
  EXPECT_EQ(pool.stats().classes[0].in_magazines, 0U);
  EXPECT_LE(pool.stats().classes[0].in_depot, 3U);
  EXPECT_EQ(pool.committed_bytes(), pool.stats().classes[0].in_depot * 16 * kib);
}

TEST(PagePool, ServesSeveralPoolsAtOnce) {
  page_pool first{test::small_pool()};
  page_pool second{test::small_pool()};
  page_span const one = first.take_page(0);
  page_span const two = second.take_page(0);
  EXPECT_FALSE(first.contains(two.data));
  EXPECT_FALSE(second.contains(one.data));
  first.give_page(0, one.index);
  second.give_page(0, two.index);
}

TEST(PagePoolDeathTest, AssertsThatEveryPageHasComeHome) {
#ifdef NDEBUG
  GTEST_SKIP() << "no assertions in this build";
#else
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        page_pool pool{test::small_pool()};
        static_cast<void>(pool.take_page(0));
      },
      "outlives");
#endif
}

}  // namespace
}  // namespace mayfly
