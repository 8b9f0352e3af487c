#include <mayfly/detail/block_tally.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace mayfly::detail {
namespace {

constexpr std::size_t unit = block_tally::unit_bytes;

TEST(BlockTally, CountsWhatIsInUseAndWhatLiesIdle) {
  block_tally tally;
  tally.start();
  tally.start();
  EXPECT_EQ(tally.in_use(), 2U);
  EXPECT_EQ(tally.idle_bytes(), 0U);
  EXPECT_TRUE(tally.give(3 * unit, 10 * unit));
  EXPECT_EQ(tally.in_use(), 1U);
  EXPECT_EQ(tally.idle_bytes(), 3 * unit);
  tally.take(3 * unit);
  EXPECT_EQ(tally.in_use(), 2U);
  EXPECT_EQ(tally.idle_bytes(), 0U);
  tally.end();
  tally.end();
  EXPECT_EQ(tally.in_use(), 0U);
}

TEST(BlockTally, LetsAsMuchLieIdleAsItMayAndNoMore) {
  block_tally tally;
  for (int i = 0; i < 3; ++i) tally.start();
  EXPECT_TRUE(tally.give(4 * unit, 10 * unit));
  EXPECT_FALSE(tally.give(7 * unit, 10 * unit));
  EXPECT_EQ(tally.idle_bytes(), 4 * unit) << "what is refused does not count";
  EXPECT_TRUE(tally.give(6 * unit, 10 * unit));
  EXPECT_EQ(tally.idle_bytes(), 10 * unit);
  EXPECT_EQ(tally.in_use(), 0U) << "refused or not, none is in use";
}

TEST(BlockTally, KeepsTheTwoFiguresApart) {
  block_tally tally;
  constexpr std::size_t large = std::size_t{1} << 45U;
  tally.add_idle(large);
  for (int i = 0; i < 1000; ++i) tally.start();
  EXPECT_EQ(tally.idle_bytes(), large);
  EXPECT_EQ(tally.in_use(), 1000U);
  tally.drop_idle(large - unit);
  EXPECT_EQ(tally.idle_bytes(), unit);
  EXPECT_EQ(tally.in_use(), 1000U);
}

TEST(BlockTally, IsExactAmongThreads) {
  block_tally tally;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&tally, t] {
        std::size_t const bytes = static_cast<std::size_t>(t + 1) * unit;
        for (int i = 0; i < 10'000; ++i) {
          tally.start();
          if (tally.give(bytes, 6 * unit)) {
            tally.take(bytes);
            tally.end();
          }
        }
      });
    }
  }
  EXPECT_EQ(tally.in_use(), 0U);
  EXPECT_EQ(tally.idle_bytes(), 0U);
}

}  // namespace
}  // namespace mayfly::detail
