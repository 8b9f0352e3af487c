#include "support.hpp"
#include <mayfly/arena_allocator.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace mayfly {
namespace {

struct ArenaAllocator : testing::Test {
  page_pool pool{test::small_pool()};
  arena memory{pool};
};

TEST_F(ArenaAllocator, FeedsStandardContainers) {
  std::vector<int, arena_allocator<int>> numbers{memory};
  for (int i = 0; i < 10'000; ++i) numbers.push_back(i);
  EXPECT_EQ(numbers[9'999], 9'999);
  EXPECT_TRUE(pool.contains(numbers.data()));
  std::list<int, arena_allocator<int>> nodes{{1, 2, 3}, memory};
  EXPECT_EQ(nodes.size(), 3U);
  std::unordered_map<int, int, std::hash<int>, std::equal_to<>, arena_allocator<std::pair<int const, int>>> map{memory};
  for (int i = 0; i < 100; ++i) map[i] = i;
  EXPECT_EQ(map.at(50), 50);
  std::basic_string<char, std::char_traits<char>, arena_allocator<char>> text{1'000, 'x', memory};
  EXPECT_TRUE(pool.contains(text.data()));
}

TEST_F(ArenaAllocator, AGrowingVectorReusesItsPlaceWhereItIsTheLast) {
  std::vector<int, arena_allocator<int>> numbers{memory};
  numbers.reserve(10);
  int const* const place = numbers.data();
  numbers.clear();
  numbers.shrink_to_fit();
  numbers.reserve(5);
  EXPECT_EQ(numbers.data(), place);
}

TEST_F(ArenaAllocator, IsEqualWhereTheArenaIs) {
  arena other{pool};
  EXPECT_TRUE(arena_allocator<int>{memory} == arena_allocator<char>{memory});
  EXPECT_FALSE(arena_allocator<int>{memory} == arena_allocator<int>{other});
}

TEST_F(ArenaAllocator, AnAssignedContainerKeepsItsArena) {
  arena other{pool, {.owner_tag = 2}};
  memory.restart({.owner_tag = 1});
  std::vector<int, arena_allocator<int>> source(100, 7, memory);
  std::vector<int, arena_allocator<int>> target{other};
  target = source;
  EXPECT_EQ(pool.owner_of(target.data()), 2U);
  target = std::move(source);
  EXPECT_EQ(pool.owner_of(target.data()), 2U);
}

TEST_F(ArenaAllocator, CatchesASizeThatOverflows) {
  arena_allocator<std::uint64_t> allocator{memory};
  try {
    static_cast<void>(allocator.allocate(std::numeric_limits<std::size_t>::max() / 8 + 1));
    FAIL();
  } catch (allocation_error const& error) {
    EXPECT_EQ(error.reason(), refusal::too_large);
  }
}

TEST_F(ArenaAllocator, HonoursTheAlignmentOfItsType) {
  struct alignas(128) wide {
    char bytes[128];
  };
  arena_allocator<wide> allocator{memory};
  static_cast<void>(memory.allocate(1));
  EXPECT_TRUE(test::is_aligned(allocator.allocate(3), 128));
}

}  // namespace
}  // namespace mayfly
