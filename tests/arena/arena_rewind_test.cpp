#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

struct noted {
  std::vector<int>* log;
  int number;
  ~noted() { log->push_back(number); }
};

struct ArenaRewind : testing::Test {
  page_pool pool{test::small_pool()};
  std::vector<int> log;
  arena memory{pool};
};

TEST_F(ArenaRewind, TakesBackWhatCameSinceTheMark) {
  static_cast<void>(memory.allocate(100));
  auto const point = memory.mark();
  void* const first = memory.allocate(100);
  static_cast<void>(memory.allocate(100));
  memory.rewind(point);
  EXPECT_EQ(memory.allocate(50), first);
  memory.rewind(point);
  memory.rewind(point);
  EXPECT_EQ(memory.allocate(50), first);
}

TEST_F(ArenaRewind, ToTheEmptyArenaGivesEverythingBack) {
  auto const point = memory.mark();
  for (int i = 0; i < 100; ++i) static_cast<void>(memory.allocate(10 * kib));
  static_cast<void>(memory.allocate(mib));
  memory.rewind(point);
  EXPECT_EQ(memory.reserved_bytes(), 0U);
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
  static_cast<void>(memory.allocate(1));
}

TEST_F(ArenaRewind, RunsTheDestructorsSinceTheMarkLastFirst) {
  memory.make<noted>(&log, 0);
  auto const point = memory.mark();
  for (int i = 1; i < 40; ++i) memory.make<noted>(&log, i);
  memory.rewind(point);
  ASSERT_EQ(log.size(), 39U);
  EXPECT_EQ(log.front(), 39);
  EXPECT_EQ(log.back(), 1);
  memory.make<noted>(&log, 40);
  memory.reset();
  EXPECT_EQ(log.size(), 41U);
  EXPECT_EQ(log[39], 40);
  EXPECT_EQ(log[40], 0);
}

TEST_F(ArenaRewind, KeepsWhatWasThereBefore) {
  byte_budget budget{8 * mib};
  arena charged{pool, {.budget = &budget}};
  std::vector<std::string_view> kept;
  for (int i = 0; i < 20; ++i) kept.push_back(charged.copy(std::string(3000, static_cast<char>('a' + i))));
  auto* const old_block = static_cast<char*>(charged.allocate(mib));
  old_block[mib - 1] = 'o';
  arena_usage const before = charged.usage();
  auto const point = charged.mark();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50; ++i) static_cast<void>(charged.allocate(9 * kib));
    static_cast<void>(charged.allocate(mib));
    static_cast<void>(charged.allocate(3 * mib));
    charged.rewind(point);
    arena_usage const after = charged.usage();
    EXPECT_EQ(after.reserved_bytes, before.reserved_bytes);
    EXPECT_EQ(after.room_bytes, before.room_bytes);
    EXPECT_EQ(after.handed_out_bytes, before.handed_out_bytes);
    EXPECT_EQ(after.oversize_blocks, 1U);
    EXPECT_EQ(after.pages, before.pages);
    EXPECT_EQ(budget.used(), before.reserved_bytes);
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(kept[static_cast<std::size_t>(i)][2999], 'a' + i);
  EXPECT_EQ(old_block[mib - 1], 'o');
}

/// A page that went behind the current one came after it: rewinding to a mark between the two must find it there.
TEST_F(ArenaRewind, FindsThePagesThatWentBehindTheCurrentOne) {
  static_cast<void>(memory.allocate(8));
  auto const behind = [&] {
    std::size_t const room = memory.usage().room_bytes;
    std::uint32_t const pages = memory.usage().page_count();
    static_cast<void>(memory.allocate(room + 8 - detail::redzone_bytes));
    EXPECT_EQ(memory.usage().room_bytes, room) << "still current";
    EXPECT_EQ(memory.usage().page_count(), pages + 1);
  };
  behind();
  auto const point = memory.mark();
  std::uint32_t const pages = memory.usage().page_count();
  behind();
  behind();
  memory.rewind(point);
  EXPECT_EQ(memory.usage().page_count(), pages);
  behind();
  for (int i = 0; i < 30; ++i) static_cast<void>(memory.allocate(3 * kib));
  memory.rewind(point);
  EXPECT_EQ(memory.usage().page_count(), pages);
}

TEST_F(ArenaRewind, MarksNest) {
  auto const outer = memory.mark();
  memory.make<noted>(&log, 1);
  auto const inner = memory.mark();
  memory.make<noted>(&log, 2);
  memory.rewind(inner);
  EXPECT_EQ(log, std::vector<int>{2});
  memory.make<noted>(&log, 3);
  memory.rewind(outer);
  EXPECT_EQ(log, (std::vector<int>{2, 3, 1}));
}

TEST_F(ArenaRewind, ADestructorMayItselfAllocateMarkAndRewind) {
  struct busy {
    arena* memory;
    std::vector<int>* log;
    ~busy() {
      static_cast<void>(memory->allocate(12 * kib));
      auto const point = memory->mark();
      for (int i = 0; i < 10; ++i) memory->make<noted>(log, i);
      memory->rewind(point);
      memory->make<noted>(log, 100);
    }
  };
  static_cast<void>(memory.allocate(8));
  arena_usage const before = memory.usage();
  auto const point = memory.mark();
  for (int i = 0; i < 10; ++i) memory.make<busy>(&memory, &log);
  memory.rewind(point);
  EXPECT_EQ(log.size(), 110U);
  EXPECT_EQ(memory.usage().reserved_bytes, before.reserved_bytes);
  EXPECT_EQ(memory.usage().room_bytes, before.room_bytes);
}

TEST_F(ArenaRewind, TakesBackWhatOlderAllocationsGrewBySince) {
  void* const grows = memory.allocate(8);
  auto const point = memory.mark();
  ASSERT_TRUE(memory.try_extend(grows, 8, 800));
  memory.rewind(point);
  EXPECT_EQ(memory.allocate(8), static_cast<std::byte*>(grows) + 8 + detail::redzone_bytes);
}

TEST_F(ArenaRewind, AnAllocationFreedSinceTheMarkDoesNotHarm) {
  void* const old = memory.allocate(100);
  void* const old_block = memory.allocate(mib);
  auto const point = memory.mark();
  memory.deallocate(old_block, mib);
  memory.deallocate(old, 100);
  static_cast<void>(memory.allocate(20 * kib));
  static_cast<void>(memory.allocate(mib));
  memory.rewind(point);
  EXPECT_EQ(memory.usage().oversize_blocks, 0U);
  EXPECT_EQ(memory.usage().page_count(), 1U);
}

}  // namespace
}  // namespace mayfly
