#include "support.hpp"
#include <mayfly/detail/span_space.hpp>

#include <gtest/gtest.h>

namespace mayfly::detail {
namespace {

constexpr std::size_t span_bytes = span_space::span_bytes;

span_space space_of(std::size_t spans, bool reuse_late = false) {
  return span_space{mapping::reserve(spans * span_bytes, span_bytes), reuse_late};
}

TEST(SpanSpace, GivesRunsFromTheLowestFreeSpan) {
  auto space = space_of(8);
  ASSERT_TRUE(space.ready());
  EXPECT_EQ(space.spans(), 8U);
  EXPECT_EQ(space.take_run(1, span_bytes), 0U);
  EXPECT_EQ(space.take_run(3, span_bytes), 1U);
  EXPECT_EQ(space.take_run(1, span_bytes), 4U);
  space.give_run(1, 3);
  EXPECT_EQ(space.take_run(4, span_bytes), std::nullopt) << "a gap of three and a tail of three";
  EXPECT_EQ(space.take_run(2, span_bytes), 1U);
  EXPECT_EQ(space.take_run(1, span_bytes), 3U);
  EXPECT_EQ(space.take_run(3, span_bytes), 5U);
  EXPECT_EQ(space.take_run(1, span_bytes), std::nullopt);
}

TEST(SpanSpace, CrossesTheWordsOfItsBitmap) {
  auto space = space_of(130);
  EXPECT_EQ(space.take_run(130, span_bytes), 0U);
  space.give_run(63, 3);
  EXPECT_EQ(space.take_run(4, span_bytes), std::nullopt);
  EXPECT_EQ(space.take_run(3, span_bytes), 63U);
}

TEST(SpanSpace, ReusesFreedAddressesLastWhenToldTo) {
  auto space = space_of(4, true);
  EXPECT_EQ(space.take_run(1, span_bytes), 0U);
  space.give_run(0, 1);
  EXPECT_EQ(space.take_run(1, span_bytes), 1U);
  EXPECT_EQ(space.take_run(2, span_bytes), 2U);
  EXPECT_EQ(space.take_run(1, span_bytes), 0U);
  EXPECT_EQ(space.take_run(1, span_bytes), std::nullopt);
}

TEST(SpanSpace, StartsRunsAtTheAlignmentAskedFor) {
  auto space = space_of(32);
  EXPECT_EQ(space.take_run(1, span_bytes), 0U);
  auto const run = space.take_run(2, 8 * span_bytes);
  ASSERT_TRUE(run.has_value());
  EXPECT_TRUE(test::is_aligned(space.address_of(*run), 8 * span_bytes));
  EXPECT_EQ(space.take_run(1, std::size_t{1} << 46U), std::nullopt);
}

TEST(SpanSpace, DiscardedMemoryReadsAsZero) {
  auto space = space_of(1);
  std::byte* const start = space.start();
  ASSERT_TRUE(span_space::commit(start, span_bytes));
  start[0] = start[span_bytes - 1] = std::byte{7};
  ASSERT_TRUE(span_space::discard(start, span_bytes));
  EXPECT_EQ(start[0], std::byte{0});
  EXPECT_EQ(start[span_bytes - 1], std::byte{0});
}

TEST(SpanSpaceDeathTest, ProtectedMemoryFaults) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto space = space_of(1);
  ASSERT_TRUE(span_space::commit(space.start(), span_bytes));
  ASSERT_TRUE(span_space::protect(space.start(), span_bytes));
  EXPECT_DEATH(*static_cast<std::byte volatile*>(space.start()) = std::byte{1}, "");
}

}  // namespace
}  // namespace mayfly::detail
