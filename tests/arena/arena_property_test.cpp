// A seeded random walk over the arena's operations beside a plain model of what must be true.

#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

struct live_allocation {
  std::byte* start;
  std::size_t bytes;
  std::size_t alignment;
  std::byte pattern;
};

class model {
 public:
  explicit model(std::uint64_t seed) : random_{seed} {}

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      take_step();
      check_usage();
      if (step % 64 == 0) check_all();
    }
    check_all();
    memory_.reset();
    EXPECT_EQ(memory_.reserved_bytes(), 0U);
    EXPECT_EQ(budget_.used(), 0U);
    EXPECT_EQ(pool_.stats().pages_in_use(), 0U);
    EXPECT_EQ(pool_.stats().blocks_in_use, 0U);
    EXPECT_EQ(destroyed_, made_);
  }

 private:
  struct counts_its_end {
    std::size_t* destroyed;
    ~counts_its_end() { ++*destroyed; }
  };

  struct point {
    arena::marker marker;
    std::size_t live;  // allocations at the mark
  };

  std::size_t below(std::size_t limit) { return random_() % limit; }

  void take_step() {
    std::size_t const dice = below(100);
    if (dice < 70) {
      allocate();
    } else if (dice < 78) {
      extend_last();
    } else if (dice < 86) {
      free_last();
    } else if (dice < 90) {
      memory_.make<counts_its_end>(&destroyed_);
      ++made_;
    } else if (dice < 94) {
      points_.push_back({memory_.mark(), live_.size()});
    } else if (dice < 97 && !points_.empty()) {
      rewind();
    } else if (dice == 99 && below(20) == 0) {
      memory_.reset();
      live_.clear();
      points_.clear();
    }
  }

  std::size_t some_size() {
    switch (below(10)) {
      case 0:
        return below(3);
      case 1:
        return below(8 * kib);
      case 2:
        return below(3) == 0 ? below(3 * mib) : below(64 * kib + 2);
      default:
        return below(300);
    }
  }

  void allocate() {
    std::size_t const bytes = some_size();
    std::size_t const alignment = std::size_t{1} << (below(4) == 0 ? below(15) : below(4));
    auto* const start = static_cast<std::byte*>(memory_.try_allocate(bytes, alignment));
    if (start == nullptr) return;  // over budget, which the pool's and the budget's tests judge
    live_.push_back({start, bytes, alignment, static_cast<std::byte>(below(256))});
    fill(live_.back());
  }

  static void fill(live_allocation const& one) { std::fill_n(one.start, one.bytes, one.pattern); }

  void extend_last() {
    if (live_.empty() || live_.size() == floor()) return;
    live_allocation& last = live_.back();
    std::size_t const bytes = some_size();
    if (!memory_.try_extend(last.start, last.bytes, bytes)) return;
    last.bytes = bytes;
    fill(last);
  }

  void free_last() {
    if (live_.empty() || live_.size() == floor()) return;
    live_allocation const last = live_.back();
    memory_.deallocate(last.start, last.bytes, last.alignment);
    live_.pop_back();
  }

  /// What a mark has seen is left as it is: growing or freeing it is part of other tests.
  std::size_t floor() const { return points_.empty() ? 0 : points_.back().live; }

  void rewind() {
    std::size_t const to = below(points_.size());
    memory_.rewind(points_[to].marker);
    live_.resize(points_[to].live);
    points_.resize(to + 1);
  }

  void check_usage() {
    arena_usage const usage = memory_.usage();
    std::size_t pages_bytes = 0;
    for (std::size_t c = 0; c < page_pool::classes; ++c) pages_bytes += usage.pages[c] * pool_.class_bytes(c);
    EXPECT_EQ(usage.reserved_bytes, pages_bytes + usage.oversize_bytes);
    EXPECT_EQ(usage.handed_out_bytes + usage.tail_waste_bytes + usage.room_bytes + usage.skipped_bytes +
                  usage.oversize_slack_bytes,
              usage.reserved_bytes);
    EXPECT_LE(usage.oversize_slack_bytes, usage.oversize_blocks * (4 * kib - 1 + detail::redzone_bytes));
    EXPECT_EQ(usage.reserved_bytes, budget_.used());
    EXPECT_EQ(usage.reserved_bytes, memory_.reserved_bytes());
    EXPECT_EQ(usage.oversize_blocks, pool_.stats().blocks_in_use);
    EXPECT_EQ(usage.page_count(), pool_.stats().pages_in_use());
  }

  void check_all() {
    std::map<std::byte*, std::byte*> places;
    std::size_t live_bytes = 0;
    for (live_allocation const& one : live_) {
      EXPECT_TRUE(test::is_aligned(one.start, std::max(one.alignment, arena::least_alignment)));
      EXPECT_TRUE(std::all_of(one.start, one.start + one.bytes, [&](std::byte b) { return b == one.pattern; }));
      EXPECT_EQ(pool_.owner_of(one.start), 77U);
      std::byte* const end = one.start + std::max(one.bytes, std::size_t{1});
      EXPECT_TRUE(places.emplace(one.start, end).second);
      live_bytes += one.bytes;
    }
    std::byte* last_end = nullptr;
    for (auto const& [start, end] : places) {
      EXPECT_GE(start, last_end) << "two allocations overlap";
      last_end = end;
    }
    EXPECT_GE(memory_.usage().handed_out_bytes, live_bytes);
  }

  std::mt19937_64 random_;
  page_pool pool_{{.reserve_bytes = 256 * mib}};
  byte_budget budget_{20 * mib};
  arena memory_{pool_, {.budget = &budget_, .owner_tag = 77}};
  std::vector<live_allocation> live_;
  std::vector<point> points_;
  std::size_t made_ = 0;
  std::size_t destroyed_ = 0;
};

TEST(ArenaProperties, HoldOverRandomOperations) {
  std::uint64_t const seed = test::test_seed();
  for (std::uint64_t run = 0; run < 20 && !HasFailure(); ++run) {
    SCOPED_TRACE(seed + run);
    model{seed + run}.run(test::sanitized ? 500 : 3'000);
  }
}

/// Where nothing is aligned above 8 or destroyed, usage can be predicted to the byte.
TEST(ArenaProperties, HandedOutIsTheSumOfRoundedSizes) {
  std::mt19937_64 random{test::test_seed()};
  page_pool pool{{.reserve_bytes = 256 * mib}};
  arena memory{pool};
  std::size_t sum = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::size_t const bytes = random() % (random() % 50 == 0 ? 60 * kib : 500);
    static_cast<void>(memory.allocate(bytes));
    sum += (std::max(bytes, std::size_t{1}) + 7) / 8 * 8 + detail::redzone_bytes;
    ASSERT_EQ(memory.usage().handed_out_bytes, sum) << i;
  }
  EXPECT_GT(memory.usage().pages[2], 0U);
  EXPECT_EQ(memory.usage().oversize_blocks, 0U);
}

}  // namespace
}  // namespace mayfly
