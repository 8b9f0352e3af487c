#include <mayfly/detail/slot_space.hpp>
#include <mayfly/scope_id.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

namespace mayfly::detail {
namespace {

std::uint32_t end_of(slot_range const& range) { return range.first() + range.slots(); }

struct share {
  std::uint32_t first;
  std::uint32_t end;
};
share share_of(slot_range const& range) { return {range.first(), end_of(range)}; }
bool overlap(share a, share b) { return a.first < b.end && b.first < a.end; }

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
  auto range = std::make_unique<slot_range>(40'000);
  share const gone = share_of(*range);
  std::uint64_t const fresh = range->fresh_generation() + 1'000;
  range->used_below(fresh);
  range.reset();
  // Which free share is taken first depends on what ended before in this process: taken are all that fit, one by one.
  std::vector<std::unique_ptr<slot_range>> taken;
  do {
    taken.push_back(std::make_unique<slot_range>(40'000));
  } while (!overlap(share_of(*taken.back()), gone));
  EXPECT_GE(taken.back()->fresh_generation(), fresh);
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
  // Three in a row: two neighbours, and one that stays and keeps them from growing into unused numbers.
  std::vector<std::unique_ptr<slot_range>> row;
  auto const in_a_row = [&row](std::size_t last) {
    return last >= 2 && end_of(*row[last - 2]) == row[last - 1]->first() &&
           end_of(*row[last - 1]) == row[last]->first();
  };
  do {
    row.push_back(std::make_unique<slot_range>(60'000));
  } while (!in_a_row(row.size() - 1));
  auto& left = row[row.size() - 3];
  auto& right = row[row.size() - 2];
  share const gone{left->first(), end_of(*right)};
  left->used_below(7);
  right->used_below(9);
  left.reset();
  right.reset();
  std::vector<std::unique_ptr<slot_range>> taken;
  do {
    ASSERT_LT(taken.size(), 100U) << "the numbers of the two are not used again";
    taken.push_back(std::make_unique<slot_range>(120'000));
  } while (!overlap(share_of(*taken.back()), gone));
  EXPECT_GE(taken.back()->fresh_generation(), 9U) << "the joined range starts above both its halves' generations";
}

TEST(SlotRange, TheLastOneGrowsWhereALargerOneIsAsked) {
  // Whatever is free before the end of the numbers used so far is taken first, and kept.
  std::vector<std::unique_ptr<slot_range>> kept;
  for (int tries = 0; tries < 50; ++tries) {
    kept.push_back(std::make_unique<slot_range>(200'000));
    share const gone = share_of(*kept.back());
    kept.back()->used_below(kept.back()->fresh_generation() + 3);
    std::uint64_t const fresh = kept.back()->fresh_generation();
    kept.pop_back();
    kept.push_back(std::make_unique<slot_range>(300'000));
    if (overlap(share_of(*kept.back()), gone)) {
      EXPECT_GE(kept.back()->fresh_generation(), fresh);
      return;
    }
    kept.push_back(std::make_unique<slot_range>(200'000));
  }
  FAIL() << "it never did";
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
