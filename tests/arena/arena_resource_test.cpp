#include "support.hpp"
#include <mayfly/arena_resource.hpp>

#include <gtest/gtest.h>

#include <map>
#include <memory_resource>
#include <string>
#include <vector>

namespace mayfly {
namespace {

using test::kib;

struct ArenaResource : testing::Test {
  page_pool pool{test::small_pool()};
  arena memory{pool};
  arena_resource resource{memory};
};

TEST_F(ArenaResource, FeedsPmrContainersFromItsArena) {
  std::pmr::vector<std::pmr::string> words{&resource};
  for (int i = 0; i < 1'000; ++i) words.emplace_back(std::string(static_cast<std::size_t>(i % 50), 'x'));
  EXPECT_TRUE(pool.contains(words.data()));
  EXPECT_TRUE(pool.contains(words[49].data()));
  std::pmr::map<int, int> numbers{&resource};
  for (int i = 0; i < 1'000; ++i) numbers[i] = i;
  EXPECT_EQ(numbers.size(), 1'000U);
}

TEST_F(ArenaResource, IsEqualToAnotherOverTheSameArenaOnly) {
  arena other{pool};
  EXPECT_TRUE(resource == arena_resource{memory});
  EXPECT_FALSE(resource == arena_resource{other});
  EXPECT_FALSE(resource == *std::pmr::new_delete_resource());
  EXPECT_EQ(&resource.get(), &memory);
}

TEST_F(ArenaResource, GivesTheLastAllocationAndBlocksBackEarly) {
  void* const last = resource.allocate(100, 8);
  resource.deallocate(last, 100, 8);
  EXPECT_EQ(resource.allocate(100, 8), last);
  void* const block = resource.allocate(300 * kib, 8);
  EXPECT_EQ(memory.usage().oversize_blocks, 1U);
  resource.deallocate(block, 300 * kib, 8);
  EXPECT_EQ(memory.usage().oversize_blocks, 0U);
}

TEST_F(ArenaResource, ThrowsWhatTheArenaThrows) {
  byte_budget budget{16 * kib};
  arena tight{pool, {.budget = &budget}};
  arena_resource tight_resource{tight};
  std::pmr::string text{&tight_resource};
  EXPECT_THROW(text.resize(20 * kib), allocation_error);
}

}  // namespace
}  // namespace mayfly
