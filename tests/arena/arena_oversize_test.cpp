#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace mayfly {
namespace {

using test::gib;
using test::kib;
using test::mib;

constexpr std::size_t threshold = 64 * kib;  // a quarter of the largest page

struct ArenaOversize : testing::Test {
  page_pool pool{{.reserve_bytes = 256 * mib}};
  arena memory{pool};
};

TEST_F(ArenaOversize, StartsAboveAQuarterOfTheLargestPage) {
  static_cast<void>(memory.allocate(threshold));
  EXPECT_EQ(memory.usage().oversize_blocks, 0U);
  memory.reset();
  static_cast<void>(memory.allocate(threshold + 1));
  EXPECT_EQ(memory.usage().oversize_blocks, 1U);
}

/// From the smallest threshold to the largest, by the last byte in a page and the first that is not; the largest page
/// takes half of itself wherever it is asked to start.
TEST_F(ArenaOversize, StartsWhereTheOptionSays) {
  for (std::size_t const largest : {4 * kib, 10'000 * std::size_t{1}, 128 * kib}) {
    page_pool chosen{{.reserve_bytes = 64 * mib, .largest_in_page_bytes = largest}};
    arena here{chosen};
    static_cast<void>(here.allocate(largest, 4 * kib));
    EXPECT_EQ(here.usage().oversize_blocks, 0U) << largest;
    here.reset();
    void* const block = here.allocate(largest + 1);
    EXPECT_EQ(here.usage().oversize_blocks, 1U) << largest;
    here.deallocate(block, largest + 1);
    EXPECT_EQ(here.usage().oversize_blocks, 0U) << largest;
  }
  page_pool smallest{
      {.reserve_bytes = 64 * mib, .class_bytes = {4 * kib, 8 * kib, 16 * kib}, .largest_in_page_bytes = 8 * kib}};
  arena tight{smallest};
  EXPECT_TRUE(test::is_aligned(tight.allocate(8 * kib, 4 * kib), 4 * kib));
  EXPECT_EQ(tight.usage().pages[2], 1U);
}

TEST_F(ArenaOversize, GetsNoBlockWhereTheCurrentPageHasRoom) {
  arena other{pool, {.first_class = 2}};
  static_cast<void>(other.allocate(8));
  void* const large = other.allocate(threshold + 1);
  EXPECT_EQ(other.usage().oversize_blocks, 0U);
  other.deallocate(large, threshold + 1);
  EXPECT_EQ(other.allocate(8), large);
}

TEST_F(ArenaOversize, GetsABlockWhetherOrNotAPageIsAtHand) {
  arena other{pool, {.first_class = 2}};
  static_cast<void>(other.allocate(8));
  other.reset();  // the page lies in front of this thread's magazines now
  static_cast<void>(other.allocate(threshold + 1));
  EXPECT_EQ(other.usage().oversize_blocks, 1U);
  EXPECT_EQ(other.usage().page_count(), 0U);
}

TEST_F(ArenaOversize, LeavesTheCurrentPageAlone) {
  static_cast<void>(memory.allocate(8));
  arena_usage const before = memory.usage();
  static_cast<void>(memory.allocate(mib));
  arena_usage const after = memory.usage();
  EXPECT_EQ(after.room_bytes, before.room_bytes);
  EXPECT_EQ(after.page_count(), before.page_count());
  EXPECT_EQ(after.oversize_bytes, after.reserved_bytes - before.reserved_bytes);
}

TEST_F(ArenaOversize, ReachesGigabytes) {
  page_pool large_pool{{.reserve_bytes = 8 * gib}};
  arena large{large_pool};
  for (std::size_t const bytes : {gib, 3 * gib + 5}) {
    auto* const start = static_cast<std::byte*>(large.allocate(bytes));
    start[0] = start[bytes - 1] = std::byte{1};
    EXPECT_EQ(large_pool.owner_of(start + bytes - 1), 0U);
  }
  EXPECT_EQ(large.try_allocate(8 * gib), nullptr);
  EXPECT_EQ(large.usage().oversize_blocks, 2U);
  large.reset();
  EXPECT_EQ(large_pool.committed_bytes(), 0U);
}

TEST_F(ArenaOversize, IsFreedEarlyWhateverItsPlaceInTheList) {
  for (std::size_t const first : {0U, 1U, 2U}) {
    std::vector<void*> blocks;
    for (int i = 0; i < 3; ++i) blocks.push_back(memory.allocate(mib));
    for (std::size_t i = 0; i < 3; ++i) {
      memory.deallocate(blocks[(first + i) % 3], mib);
      EXPECT_EQ(memory.usage().oversize_blocks, 2 - i);
    }
    EXPECT_EQ(memory.reserved_bytes(), 0U);
  }
  EXPECT_EQ(pool.stats().blocks_in_use, 0U);
}

TEST_F(ArenaOversize, ABlockGrowsInTheRoomItHas) {
  auto* const block = static_cast<std::byte*>(memory.allocate(100 * kib + 1));
  std::size_t const most = 104 * kib - detail::redzone_bytes;
  EXPECT_FALSE(memory.try_extend(block, 100 * kib + 1, most + 1));
  ASSERT_TRUE(memory.try_extend(block, 100 * kib + 1, most));
  block[most - 1] = std::byte{1};
  EXPECT_TRUE(memory.try_extend(block, most, 10));
  memory.deallocate(block, 10);  // shrunk below the threshold: stays until the end
  EXPECT_EQ(memory.usage().oversize_blocks, 1U);
}

TEST_F(ArenaOversize, SlackIsWhatNobodyAskedFor) {
  auto const slack = [this] { return memory.usage().oversize_slack_bytes; };
  void* const exact = memory.allocate(100 * kib - detail::redzone_bytes);
  EXPECT_EQ(slack(), detail::redzone_bytes);
  memory.deallocate(exact, 100 * kib - detail::redzone_bytes);
  EXPECT_EQ(slack(), 0U);

  void* const block = memory.allocate(100 * kib + 1);
  EXPECT_EQ(slack(), 4 * kib - 1);
  ASSERT_TRUE(memory.try_extend(block, 100 * kib + 1, 101 * kib));
  EXPECT_EQ(slack(), 3 * kib) << "grown: the most it was asked for";
  ASSERT_TRUE(memory.try_extend(block, 101 * kib, 1));
  ASSERT_TRUE(memory.try_extend(block, 1, 2));
  EXPECT_EQ(slack(), 3 * kib) << "shrunk";

  auto const mark = memory.mark();
  static_cast<void>(memory.allocate(200 * kib + 1000));
  EXPECT_EQ(slack(), 3 * kib + 4 * kib - 1000);
  memory.rewind(mark);
  EXPECT_EQ(slack(), 3 * kib);
}

TEST_F(ArenaOversize, APageAllocationThatGrewPastTheThresholdIsStillInItsPage) {
  arena other{pool, {.first_class = 2}};
  void* const start = other.allocate(8);
  ASSERT_TRUE(other.try_extend(start, 8, 100 * kib));
  std::size_t const room = other.usage().room_bytes;
  other.deallocate(start, 100 * kib);
  EXPECT_GT(other.usage().room_bytes, room);
  EXPECT_EQ(other.usage().page_count(), 1U);
}

TEST_F(ArenaOversize, AMillionBlocksInOneArenaAreAllGivenBack) {
  void* older = memory.allocate(threshold + 1);
  for (int i = 0; i < (test::sanitized ? 10'000 : 1'000'000); ++i) {
    void* const newer = memory.allocate(threshold + 1);
    memory.deallocate(older, threshold + 1);
    older = newer;
  }
  EXPECT_EQ(memory.usage().oversize_blocks, 1U);
  memory.reset();
  EXPECT_EQ(pool.stats().blocks_in_use, 0U);
}

}  // namespace
}  // namespace mayfly
