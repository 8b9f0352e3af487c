#include <mayfly/detail/page_charge.hpp>

#include <gtest/gtest.h>

namespace mayfly::detail {
namespace {

TEST(PageCharge, GivesTheLastByteAndNotOneMore) {
  page_charge pool{100};
  EXPECT_TRUE(pool.try_charge(99));
  EXPECT_FALSE(pool.try_charge(2));
  EXPECT_TRUE(pool.try_charge(1));
  EXPECT_EQ(pool.held(), 100U);
  pool.refund(60);
  EXPECT_EQ(pool.held(), 40U);
  EXPECT_EQ(pool.peak(), 100U);
}

TEST(PageCharge, GoesByALimitThatHasMoved) {
  page_charge pool{100};
  EXPECT_TRUE(pool.try_charge(80));
  pool.set_limit(50);
  EXPECT_TRUE(pool.is_over());
  EXPECT_FALSE(pool.try_charge(1));
  pool.refund(30);
  EXPECT_FALSE(pool.is_over());
  EXPECT_FALSE(pool.try_charge(1));
  pool.set_limit(51);
  EXPECT_TRUE(pool.try_charge(1));
}

TEST(PageCharge, ARefusalOfTheCommonLimitLeavesNothingCharged) {
  byte_budget common{100};
  page_charge left{1'000, &common};
  page_charge right{1'000, &common};
  EXPECT_TRUE(left.try_charge(70));
  EXPECT_FALSE(right.try_charge(31));
  EXPECT_EQ(right.held(), 0U);
  EXPECT_EQ(common.used(), 70U);
  EXPECT_TRUE(right.try_charge(30));
  left.refund(70);
  EXPECT_EQ(common.used(), 30U);
  common.set_limit(29);
  EXPECT_TRUE(left.is_over()) << "by what the other holds";
}

}  // namespace
}  // namespace mayfly::detail
