#include <mayfly/detail/slot_space.hpp>
#include <mayfly/scope_id.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

namespace mayfly::detail {
namespace {

std::uint32_t end_of(slot_range const& range) { return range.first() + range.slots(); }

TEST(SlotRange, LivingRangesHaveNoSlotInCommon) {
  std::vector<std::unique_ptr<slot_range>> ranges;
  for (std::uint32_t slots = 1; slots <= 64; ++slots) ranges.push_back(std::make_unique<slot_range>(slots));
  for (std::size_t gone = 0; gone < ranges.size(); gone += 3) ranges[gone] = std::make_unique<slot_range>(7);
  for (auto const& a : ranges) {
    for (auto const& b : ranges) {
      EXPECT_TRUE(a == b || end_of(*a) <= b->first() || end_of(*b) <= a->first());
    }
  }
}

TEST(SlotRange, OneThatIsUsedAgainStartsAboveEveryGenerationGivenOutBefore) {
  std::uint32_t first = 0;
  std::uint64_t fresh = 0;
  {
    slot_range range{40'000};
    first = range.first();
    fresh = range.fresh_generation() + 1'000;
    range.used_below(fresh);
  }
  slot_range const again{40'000};
  EXPECT_EQ(again.first(), first);
  EXPECT_EQ(again.fresh_generation(), fresh);
}

TEST(SlotRange, APartOfALargerOneStartsAboveItsGenerationsToo) {
  std::uint32_t end = 0;
  {
    slot_range range{50'000};
    end = end_of(range);
    range.used_below(500);
  }
  slot_range const half{25'000};
  slot_range const other_half{25'000};
  for (auto const* part : {&half, &other_half}) {
    bool const reused = end_of(*part) <= end && part->first() + 50'000 >= end;
    EXPECT_TRUE(!reused || part->fresh_generation() >= 500);
  }
}

TEST(SlotRange, NeighboursThatComeBackMakeOneThatIsLargeEnough) {
  auto left = std::make_unique<slot_range>(60'000);
  auto right = std::make_unique<slot_range>(60'000);
  auto const fence = std::make_unique<slot_range>(1);
  std::uint32_t const first = std::min(left->first(), right->first());
  bool const adjacent = end_of(*left) == right->first() || end_of(*right) == left->first();
  ASSERT_TRUE(adjacent);
  left->used_below(7);
  right->used_below(9);
  left.reset();
  right.reset();
  slot_range const both{120'000};
  EXPECT_EQ(both.first(), first);
  EXPECT_GE(both.fresh_generation(), 9U) << "the joined range starts above both its halves' generations";
}

TEST(SlotRange, TheLastOneGrowsWhereALargerOneIsAsked) {
  std::uint32_t first = 0;
  {
    slot_range range{200'000};
    first = range.first();
    range.used_below(3);
  }
  slot_range const larger{300'000};
  EXPECT_LE(larger.first(), first);
  EXPECT_GE(larger.fresh_generation(), 3U);
}

TEST(SlotRange, OneWhoseGenerationsAreHalfUsedUpIsNotGivenAgain) {
  std::uint32_t first = 0;
  std::uint32_t end = 0;
  {
    slot_range range{70'000};
    first = range.first();
    end = end_of(range);
    range.used_below(scope_id::largest_generation / 2 + 1);
  }
  slot_range const next{70'000};
  EXPECT_TRUE(end_of(next) <= first || end <= next.first());
}

TEST(SlotRange, MoreThanThereAreIsRefusedWithBothNumbers) {
  try {
    slot_range const too_large{(1U << 24U) + 1};
    FAIL();
  } catch (std::length_error const& error) {
    EXPECT_STREQ(error.what(), "scope_registry: 16777217 slots asked, and all registries of a process share 2^24");
  }
}

}  // namespace
}  // namespace mayfly::detail
