#include "support.hpp"
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace mayfly {
namespace {

using test::gib;
using test::kib;
using test::mib;

void touch_ends(page_span const& block) {
  detail::unpoison(block.data, block.bytes);
  block.data[0] = std::byte{1};
  block.data[block.bytes - 1] = std::byte{2};
}

TEST(PagePoolBlocks, AreRoundedUpToFourKibAndAligned) {
  page_pool pool{{.reserve_bytes = 256 * mib}};
  for (std::size_t const bytes : {std::size_t{1}, 4 * kib, 4 * kib + 1, 100 * kib, 2 * mib, 2 * mib + 1, 17 * mib}) {
    for (std::size_t const alignment : {std::size_t{1}, 8 * kib, mib, 2 * mib, 4 * mib, 32 * mib}) {
      page_span const block = pool.take_block(bytes, alignment);
      ASSERT_NE(block.data, nullptr) << bytes << " at " << alignment;
      EXPECT_GE(block.bytes, bytes);
      EXPECT_LT(block.bytes, bytes + 4 * kib);
      EXPECT_TRUE(test::is_aligned(block.data, alignment));
      EXPECT_EQ(pool.block_at(block.data), block.index);
      touch_ends(block);
      pool.give_block(block.index);
    }
  }
  EXPECT_EQ(pool.stats().blocks_in_use, 0U);
}

TEST(PagePoolBlocks, AreFoundByTheirStartOnly) {
  page_pool pool{test::small_pool()};
  page_span const piece = pool.take_block(100 * kib, 1);
  page_span const run = pool.take_block(5 * mib, 1);
  page_span const page = pool.take_page(0);
  for (page_span const& block : {piece, run}) {
    EXPECT_EQ(pool.block_at(block.data), block.index);
    EXPECT_EQ(pool.block_at(block.data + 8), page_pool::block_npos);
  }
  EXPECT_EQ(pool.block_at(run.data + 2 * mib), page_pool::block_npos) << "a later span of the run";
  EXPECT_EQ(pool.block_at(page.data), page_pool::block_npos);
  EXPECT_EQ(pool.block_at(&pool), page_pool::block_npos);
  pool.give_page(0, page.index);
  pool.give_block(piece.index);
  pool.give_block(run.index);
}

TEST(PagePoolBlocks, ReachGigabytesWithoutTouchingMoreThanTheirEnds) {
  page_pool pool{{.reserve_bytes = 16 * gib}};
  page_span const block = pool.take_block(9 * gib + 1, 1);
  ASSERT_NE(block.data, nullptr);
  EXPECT_EQ(block.bytes, 9 * gib + 4 * kib);
  if (!test::sanitized) touch_ends(block);
  pool.give_block(block.index);
  EXPECT_EQ(pool.committed_bytes(), 0U) << "above block_cache_bytes, so the system has it again";
  EXPECT_EQ(pool.take_block(17 * gib, 1).reason, refusal::address_space);
}

TEST(PagePoolBlocks, RefuseWhatCannotExist) {
  page_pool pool{test::small_pool()};
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(pool.take_block(most, 1).reason, refusal::too_large);
  EXPECT_EQ(pool.take_block(most / 2 + 1, 1).reason, refusal::too_large);
  EXPECT_EQ(pool.take_block(most / 2, 1).reason, refusal::address_space);
  EXPECT_EQ(pool.take_block(1, most / 2 + 1).reason, refusal::too_large);
  EXPECT_EQ(pool.take_block(1, std::size_t{1} << 50U).reason, refusal::address_space);
  EXPECT_EQ(pool.committed_bytes(), 0U);
}

TEST(PagePoolBlocks, AreCachedUpToTheirCap) {
  page_pool pool{{.reserve_bytes = 64 * mib, .block_cache_bytes = 6 * mib}};
  page_span const piece = pool.take_block(mib, 1);
  page_span const run = pool.take_block(5 * mib, 1);
  page_span const over = pool.take_block(4 * kib, 1);
  for (page_span const& block : {piece, run, over}) pool.give_block(block.index);
  EXPECT_EQ(pool.stats().idle_block_bytes, 6 * mib);
  EXPECT_EQ(pool.committed_bytes(), 6 * mib);
  page_span const again = pool.take_block(5 * mib, 1);
  EXPECT_EQ(again.data, run.data);
  EXPECT_EQ(pool.take_block(mib, 1).data, piece.data);
  pool.give_block(piece.index);
  EXPECT_EQ(pool.stats().blocks_from_cache, 2U);
  EXPECT_EQ(pool.stats().blocks_from_system, 3U);
  pool.give_block(again.index);
  EXPECT_EQ(pool.trim(), 6 * mib);
  EXPECT_EQ(pool.committed_bytes(), 0U);
  EXPECT_EQ(pool.stats().idle_block_bytes, 0U);
}

TEST(PagePoolBlocks, ACachedBlockGrowsToTheSizeAskedFor) {
  page_pool pool{test::small_pool()};
  for (auto const& [small, large] : {std::pair{600 * kib, 900 * kib}, std::pair{5 * mib, 6 * mib}}) {
    page_span const first = pool.take_block(small, 1);
    pool.give_block(first.index);
    std::size_t const before = pool.committed_bytes();
    page_span const second = pool.take_block(large, 1);
    EXPECT_EQ(second.data, first.data);
    EXPECT_EQ(pool.committed_bytes(), before + large - small);
    touch_ends(second);
    pool.give_block(second.index);
    // Smaller again: it keeps the memory it has.
    page_span const third = pool.take_block(small, 1);
    EXPECT_EQ(third.data, first.data);
    EXPECT_EQ(third.bytes, small);
    EXPECT_EQ(pool.committed_bytes(), before + large - small);
    pool.give_block(third.index);
  }
  pool.trim();
  EXPECT_EQ(pool.committed_bytes(), 0U);
}

TEST(PagePoolBlocks, AShortRunDoesNotTakeALongOne) {
  page_pool pool{test::small_pool()};
  page_span const longest = pool.take_block(20 * mib, 1);
  pool.give_block(longest.index);
  page_span const shortest = pool.take_block(3 * mib, 1);
  EXPECT_NE(shortest.data, longest.data);
  pool.give_block(shortest.index);
}

TEST(PagePoolBlocks, CachedRunsGiveWayWhenAddressesRunOut) {
  page_pool pool{{.reserve_bytes = 16 * mib}};
  // Eight spans: two idle runs of four take all.
  page_span const first = pool.take_block(8 * mib, 1);
  page_span const second = pool.take_block(8 * mib, 1);
  EXPECT_EQ(pool.take_block(3 * mib, 1).reason, refusal::address_space);
  EXPECT_EQ(pool.take_page(0).reason, refusal::address_space);
  pool.give_block(first.index);
  pool.give_block(second.index);
  EXPECT_EQ(pool.stats().idle_block_bytes, 16 * mib);
  page_span const page = pool.take_page(0);
  EXPECT_NE(page.data, nullptr) << "for a page";
  EXPECT_EQ(pool.stats().idle_block_bytes, 0U);
  page_span const longest = pool.take_block(14 * mib, 1);
  EXPECT_NE(longest.data, nullptr);
  pool.give_block(longest.index);
  page_span const other = pool.take_block(3 * mib, 1);
  EXPECT_NE(other.data, nullptr) << "for a shorter run";
  pool.give_page(0, page.index);
  pool.give_block(other.index);
}

TEST(PagePoolBlocks, ManyThreadsGetDistinctOnes) {
  page_pool pool{{.reserve_bytes = 512 * mib, .block_cache_bytes = 8 * mib}};
  std::atomic<int> faults{0};
  test::run_threads(4, [&](std::size_t thread) {
    std::size_t const sizes[] = {70 * kib, 300 * kib, 3 * mib, 7 * mib};
    for (std::size_t round = 0; round < 1'000; ++round) {
      page_span const block = pool.take_block(sizes[(round + thread) % 4], 1);
      if (block.data == nullptr) {
        ++faults;
        continue;
      }
      touch_ends(block);
      block.data[0] = static_cast<std::byte>(thread);
      if (block.data[0] != static_cast<std::byte>(thread)) ++faults;
      pool.give_block(block.index);
      if (round % 100 == 0) pool.trim();
    }
  });
  EXPECT_EQ(faults, 0);
  pool.trim();
  EXPECT_EQ(pool.committed_bytes(), 0U);
  EXPECT_EQ(pool.stats().blocks_in_use, 0U);
}

}  // namespace
}  // namespace mayfly
