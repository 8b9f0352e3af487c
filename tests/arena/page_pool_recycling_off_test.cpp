#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

page_pool_options without_recycling() { return {.reserve_bytes = 64 * mib, .recycle = false}; }

TEST(RecyclingOff, APageIsNotSeenAgainWhileFreshAddressesLast) {
  page_pool pool{without_recycling()};
  std::set<std::byte*> seen;
  for (int i = 0; i < 1'000; ++i) {
    page_span const page = pool.take_page(0);
    ASSERT_NE(page.data, nullptr);
    EXPECT_TRUE(seen.insert(page.data).second) << i;
    pool.give_page(0, page.index);
  }
  EXPECT_EQ(pool.committed_bytes(), 0U) << "what was given back costs no memory";
  EXPECT_EQ(pool.stats().classes[0].returned, 1'000U);
}

TEST(RecyclingOff, ABlockIsNotSeenAgainWhileFreshAddressesLast) {
  page_pool pool{without_recycling()};
  std::set<std::byte*> seen;
  for (std::size_t const bytes : {100 * kib, mib, 3 * mib}) {
    for (int i = 0; i < 6; ++i) {
      page_span const block = pool.take_block(bytes, 1);
      ASSERT_NE(block.data, nullptr);
      EXPECT_TRUE(seen.insert(block.data).second) << bytes << ' ' << i;
      pool.give_block(block.index);
    }
  }
  EXPECT_EQ(pool.committed_bytes(), 0U);
}

TEST(RecyclingOff, AddressesAreUsedAgainRatherThanRefused) {
  page_pool pool{{.reserve_bytes = 16 * mib, .recycle = false}};
  for (int i = 0; i < 200; ++i) {
    page_span const page = pool.take_page(2);
    ASSERT_NE(page.data, nullptr) << i;
    detail::unpoison(page.data, page.bytes);
    page.data[0] = page.data[page.bytes - 1] = std::byte{1};
    pool.give_page(2, page.index);
  }
  EXPECT_EQ(pool.stats().classes[2].made, 64U);
}

TEST(RecyclingOff, BlocksAreUsedAgainRatherThanRefused) {
  for (std::size_t const bytes : {900 * kib, 3 * mib}) {
    page_pool pool{{.reserve_bytes = 16 * mib, .recycle = false}};
    for (int i = 0; i < 40; ++i) {
      page_span const block = pool.take_block(bytes, 1);
      ASSERT_NE(block.data, nullptr) << i;
      detail::unpoison(block.data, block.bytes);
      block.data[0] = block.data[block.bytes - 1] = std::byte{1};
      pool.give_block(block.index);
    }
  }
}

struct RecyclingOffDeathTest : testing::Test {
  RecyclingOffDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(RecyclingOffDeathTest, AReadOfAPageThatWasGivenBackEndsTheProgram) {
  page_pool pool{without_recycling()};
  arena memory{pool};
  auto* const value = memory.make<int volatile>(7);
  EXPECT_EQ(*value, 7);
  memory.reset();
  static_cast<void>(memory.allocate(1));
  EXPECT_DEATH(static_cast<void>(*value), detail::sanitized ? "use-after-poison" : "");
}

TEST_F(RecyclingOffDeathTest, AReadOfABlockThatWasGivenBackEndsTheProgram) {
  page_pool pool{without_recycling()};
  for (std::size_t const bytes : {100 * kib, 3 * mib}) {
    arena memory{pool};
    auto* const value = static_cast<char volatile*>(memory.allocate(bytes));
    value[bytes - 1] = 1;
    memory.reset();
    EXPECT_DEATH(static_cast<void>(value[bytes - 1]), "");
  }
}

}  // namespace
}  // namespace mayfly
