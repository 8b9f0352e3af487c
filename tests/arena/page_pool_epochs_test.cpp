#include "support.hpp"
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <latch>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

constexpr std::uint32_t epochs = 3;

/// Magazines of one page, so that nearly all idle pages lie in the depot.
page_pool_options few_at_hand(std::size_t floor_bytes = 0) {
  return {
      .reserve_bytes = 64 * mib, .magazine_pages = {1, 1, 1}, .idle_floor_bytes = floor_bytes, .idle_epochs = epochs};
}

void take_and_give(page_pool& pool, int count) {
  std::vector<page_span> pages;
  for (int i = 0; i < count; ++i) pages.push_back(pool.take_page(0));
  for (page_span const& page : pages) pool.give_page(0, page.index);
}

/// Ends as many epochs, in each of which so many pages are needed at once; returns what went back.
std::size_t pass(page_pool& pool, std::uint32_t count, int needed) {
  std::size_t freed = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    take_and_give(pool, needed);
    freed += pool.end_epoch();
  }
  return freed;
}

TEST(PagePoolEpochs, WhatNobodyNeedsGoesBackAfterTheEpochsAndNotBefore) {
  page_pool pool{few_at_hand()};
  take_and_give(pool, 100);
  EXPECT_EQ(pass(pool, epochs, 1), 0U) << "in the first of them they were needed";
  std::size_t const idle = pool.stats().classes[0].in_depot;
  EXPECT_GE(idle, 97U);
  EXPECT_EQ(pass(pool, 1, 1), idle * 16 * kib);
  EXPECT_EQ(pool.stats().classes[0].in_depot, 0U);
  EXPECT_EQ(pool.stats().classes[0].returned, idle);
  EXPECT_EQ(pool.committed_bytes(), (100 - idle) * 16 * kib);
}

TEST(PagePoolEpochs, WhatIsNeededOnceInTheEpochsStays) {
  page_pool pool{few_at_hand()};
  take_and_give(pool, 100);
  for (int round = 0; round < 4; ++round) {
    pass(pool, epochs - 1, 1);
    pass(pool, 1, 40);
  }
  page_class_stats const now = pool.stats().classes[0];
  EXPECT_EQ(now.in_depot + now.in_magazines, 40U);
  EXPECT_EQ(now.from_system, 100U) << "none of them had to be asked for again";
}

TEST(PagePoolEpochs, TheFloorStays) {
  page_pool pool{few_at_hand(/*floor_bytes=*/25 * 16 * kib)};
  take_and_give(pool, 100);
  pass(pool, 3 * epochs, 1);
  EXPECT_EQ(pool.stats().classes[0].in_depot, 25U);
}

TEST(PagePoolEpochs, AMagazineOfWhichOnlyAPartIsSurplusIsSplit) {
  page_pool pool{
      {.reserve_bytes = 64 * mib, .magazine_pages = {32, 1, 1}, .idle_floor_bytes = 7 * 16 * kib, .idle_epochs = 1}};
  take_and_give(pool, 32 * 8);
  pass(pool, 3, 1);
  EXPECT_EQ(pool.stats().classes[0].in_depot, 7U);
  take_and_give(pool, 32 * 8);
  page_class_stats const now = pool.stats().classes[0];
  EXPECT_EQ(now.made, 32U * 8U) << "pages that went back serve again";
  EXPECT_EQ(now.in_use, 0U);
}

TEST(PagePoolEpochs, ASleepingThreadsPagesGoBackToo) {
  page_pool pool{
      {.reserve_bytes = 64 * mib, .magazine_pages = {32, 8, 4}, .idle_floor_bytes = 0, .idle_epochs = epochs}};
  std::latch holds{1};
  std::latch over{1};
  std::thread sleeper{[&] {
    take_and_give(pool, 40);
    holds.count_down();
    over.wait();
    take_and_give(pool, 40);  // and finds its magazines empty, which they may be at any time
  }};
  holds.wait();
  EXPECT_EQ(pool.stats().classes[0].in_magazines, 40U);
  EXPECT_EQ(pass(pool, epochs, 0), 0U) << "in the first of them they were needed";
  EXPECT_EQ(pass(pool, 1, 0), 40 * 16 * kib);
  EXPECT_EQ(pool.committed_bytes(), 0U);
  over.count_down();
  sleeper.join();
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
}

TEST(PagePoolEpochs, ABusyThreadKeepsItsPages) {
  page_pool pool{
      {.reserve_bytes = 64 * mib, .magazine_pages = {32, 8, 4}, .idle_floor_bytes = 0, .idle_epochs = epochs}};
  take_and_give(pool, 40);
  EXPECT_EQ(pass(pool, 5 * epochs, 1), 0U);
  EXPECT_EQ(pool.stats().classes[0].in_magazines, 40U);
}

TEST(PagePoolEpochs, ABusyThreadsPagesOfASizeThatItUsesNoMoreGoBack) {
  page_pool pool{{.reserve_bytes = 64 * mib, .idle_floor_bytes = 0, .idle_epochs = epochs}};
  pool.give_page(2, pool.take_page(2).index);
  EXPECT_EQ(pass(pool, epochs, 1), 0U);
  EXPECT_EQ(pass(pool, 1, 1), pool.class_bytes(2));
  EXPECT_EQ(pool.stats().classes[0].in_magazines, 1U);
}

TEST(PagePoolEpochs, BlocksGoWhenNoneWasTaken) {
  page_pool pool{few_at_hand()};
  pool.give_block(pool.take_block(200 * kib, 8).index);
  for (std::uint32_t i = 0; i < 3 * epochs; ++i) {
    EXPECT_EQ(pool.end_epoch(), 0U);
    pool.give_block(pool.take_block(200 * kib, 8).index);
  }
  std::size_t freed = 0;
  for (std::uint32_t i = 0; i < epochs; ++i) freed += pool.end_epoch();
  EXPECT_EQ(freed, 0U) << "one was taken after the last of the epochs before";
  EXPECT_EQ(pool.end_epoch(), 200 * kib);
  EXPECT_EQ(pool.committed_bytes(), 0U);
}

TEST(PagePoolEpochs, GoOnBesideThreadsThatTakeAndGive) {
  page_pool pool{{.reserve_bytes = 64 * mib, .magazine_pages = {2, 2, 2}, .idle_floor_bytes = 0, .idle_epochs = 1}};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&pool, t](std::stop_token const& stop) {
      for (int i = 0; !stop.stop_requested(); ++i) take_and_give(pool, 1 + (i + t) % 20);
    });
  }
  for (int i = 0; i < 2'000; ++i) pool.end_epoch();
  threads.clear();
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
  for (int i = 0; i < 4; ++i) pool.end_epoch();
  EXPECT_EQ(pool.committed_bytes(), 0U);
}

}  // namespace
}  // namespace mayfly
