#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

struct ArenaTest : testing::Test {
  page_pool pool{test::small_pool()};
  arena memory{pool};
};

using Arena = ArenaTest;

TEST_F(Arena, TakesNoPageBeforeTheFirstAllocation) {
  EXPECT_EQ(memory.reserved_bytes(), 0U);
  EXPECT_EQ(pool.committed_bytes(), 0U);
  memory.reset();
  static_cast<void>(memory.allocate(1));
  EXPECT_EQ(memory.reserved_bytes(), 16 * kib);
}

TEST_F(Arena, ZeroBytesGiveDistinctResults) {
  std::set<void*> seen;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(memory.allocate(0)).second);
  EXPECT_TRUE(seen.insert(memory.try_allocate(0)).second);
  EXPECT_TRUE(seen.insert(memory.allocate(0, 64)).second);
}

TEST_F(Arena, EveryResultIsAlignedToEight) {
  for (std::size_t bytes = 1; bytes < 100; ++bytes) {
    for (std::size_t const alignment : {1U, 2U, 4U, 8U}) {
      EXPECT_TRUE(test::is_aligned(memory.allocate(bytes, alignment), 8));
    }
  }
}

TEST_F(Arena, EveryAlignmentIsHonouredInPagesAndBlocks) {
  page_pool large_pool{{.reserve_bytes = 512 * mib}};
  arena large{large_pool};
  for (std::size_t alignment = 1; alignment <= 32 * mib; alignment *= 2) {
    for (std::size_t const bytes : {std::size_t{1}, std::size_t{24}, 5 * kib, 70 * kib}) {
      static_cast<void>(large.allocate(1));
      auto* const start = static_cast<std::byte*>(large.allocate(bytes, alignment));
      EXPECT_TRUE(test::is_aligned(start, alignment)) << bytes << " at " << alignment;
      start[0] = start[bytes - 1] = std::byte{1};
    }
  }
}

TEST_F(Arena, AlignmentAbove4KibGetsABlockOfItsOwn) {
  static_cast<void>(memory.allocate(1, 4 * kib));
  EXPECT_EQ(memory.usage().oversize_blocks, 0U);
  memory.reset();
  static_cast<void>(memory.allocate(1, 8 * kib));
  EXPECT_EQ(memory.usage().oversize_blocks, 1U);
}

TEST_F(Arena, TheLastByteOfAPageIsUsedAndTheNextTakesAnother) {
  static_cast<void>(memory.allocate(1));
  std::size_t const room = memory.usage().room_bytes;
  auto* const rest = static_cast<std::byte*>(memory.allocate(room - detail::redzone_bytes));
  rest[room - detail::redzone_bytes - 1] = std::byte{1};
  EXPECT_EQ(memory.usage().room_bytes, 0U);
  EXPECT_EQ(memory.usage().page_count(), 1U);
  static_cast<void>(memory.allocate(1));
  EXPECT_EQ(memory.usage().page_count(), 2U);
}

TEST_F(Arena, OneByteMoreThanTheRoomTakesAnotherPage) {
  static_cast<void>(memory.allocate(1));
  static_cast<void>(memory.allocate(memory.usage().room_bytes - detail::redzone_bytes + 1));
  EXPECT_EQ(memory.usage().page_count(), 2U);
}

/// The pages that an arena takes until it holds so much, in KiB.
std::vector<std::size_t> steps_to(std::size_t bytes, arena& memory) {
  std::vector<std::size_t> steps;
  std::size_t before = 0;
  while (memory.reserved_bytes() < bytes) {
    static_cast<void>(memory.allocate(kib));
    if (memory.reserved_bytes() != before) steps.push_back((memory.reserved_bytes() - before) / kib);
    before = memory.reserved_bytes();
  }
  return steps;
}

TEST_F(Arena, PagesGrowToTheLargestClassNotAboveWhatIsHeld) {
  EXPECT_EQ(steps_to(mib, memory), (std::vector<std::size_t>{16, 16, 16, 16, 64, 64, 64, 256, 256, 256}));
}

TEST_F(Arena, PagesGrowAsThePoolWasTold) {
  auto const steps = [](std::uint32_t percent, std::size_t first_class) {
    page_pool told{{.reserve_bytes = 64 * mib, .growth_percent = percent}};
    arena growing{told, {.first_class = first_class}};
    return steps_to(256 * kib, growing);
  };
  EXPECT_EQ(steps(0, 0), std::vector<std::size_t>(16, 16)) << "not at all";
  EXPECT_EQ(steps(0, 1), (std::vector<std::size_t>{64, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16}));
  EXPECT_EQ(steps(50, 0), (std::vector<std::size_t>{16, 16, 16, 16, 16, 16, 16, 16, 64, 64}));
  EXPECT_EQ(steps(399, 0), (std::vector<std::size_t>{16, 16, 64, 256})) << "64 is more than 399 % of 16";
  EXPECT_EQ(steps(400, 0), (std::vector<std::size_t>{16, 64, 256}));
  EXPECT_EQ(steps(10'000, 0), (std::vector<std::size_t>{16, 256}));
}

TEST_F(Arena, TheFirstPageIsOfTheClassAskedFor) {
  for (std::size_t c = 0; c < page_pool::classes; ++c) {
    arena other{pool, {.first_class = c}};
    static_cast<void>(other.allocate(1));
    EXPECT_EQ(other.reserved_bytes(), pool.class_bytes(c));
    EXPECT_EQ(other.usage().pages[c], 1U);
  }
}

TEST_F(Arena, FirstPagesOfEveryClassStartAtDifferentOffsets) {
  page_pool many{{.reserve_bytes = 256 * mib}};
  for (std::size_t c = 0; c < page_pool::classes; ++c) {
    std::set<std::uintptr_t> offsets;
    std::vector<arena> arenas;
    for (int i = 0; i < 16; ++i) {
      arenas.emplace_back(many, arena_options{.first_class = c});
      auto const address = reinterpret_cast<std::uintptr_t>(arenas.back().allocate(1));
      offsets.insert(address % many.class_bytes(c));
      EXPECT_EQ(arenas.back().usage().skipped_bytes, address % many.class_bytes(c));
    }
    EXPECT_EQ(offsets.size(), 16U) << "class " << c;
    EXPECT_EQ(*offsets.rbegin(), 15 * 64U);
  }
}

TEST_F(Arena, AFirstAllocationOfAlmostAPageStaysInsideItWhateverItsOffset) {
  std::vector<arena> arenas;
  for (std::size_t bytes = 15 * kib; bytes <= 16 * kib; bytes += 8) {
    arenas.emplace_back(pool);
    auto* const start = static_cast<std::byte*>(arenas.back().allocate(bytes));
    arena_usage const usage = arenas.back().usage();
    EXPECT_LT(usage.room_bytes, usage.reserved_bytes) << bytes;
    EXPECT_LE(usage.skipped_bytes + bytes + detail::redzone_bytes, usage.reserved_bytes) << bytes;
    start[0] = start[bytes - 1] = std::byte{1};
    if (arenas.size() == 32) arenas.clear();
  }
}

TEST_F(Arena, ThePageWithMoreRoomStaysCurrent) {
  static_cast<void>(memory.allocate(1));
  std::size_t const room = memory.usage().room_bytes;
  // Does not fit, but would leave less in its new page than is left in this one.
  static_cast<void>(memory.allocate(room + 8 - detail::redzone_bytes));
  arena_usage const usage = memory.usage();
  EXPECT_EQ(usage.page_count(), 2U);
  EXPECT_EQ(usage.room_bytes, room);
  EXPECT_LT(usage.tail_waste_bytes, room);
}

TEST_F(Arena, CopiesTextWithANulBehindIt) {
  std::string const text = "a request's name";
  std::string_view const copied = memory.copy(text);
  EXPECT_EQ(copied, text);
  EXPECT_NE(copied.data(), text.data());
  EXPECT_EQ(copied.data()[copied.size()], '\0');
  EXPECT_EQ(memory.copy({}), "");
  EXPECT_EQ(*memory.copy({}).data(), '\0');
  std::string const large(300 * kib, 'x');
  EXPECT_EQ(memory.copy(large), large);
}

TEST_F(Arena, GivesTheLastAllocationBack) {
  void* const kept = memory.allocate(100);
  void* const last = memory.allocate(100);
  memory.deallocate(last, 100);
  EXPECT_EQ(memory.allocate(50), last);
  memory.deallocate(kept, 100);  // not the last: stays
  EXPECT_NE(memory.allocate(100), kept);
}

TEST_F(Arena, GivesTheLastAllocationBackInTheOrderOfAStack) {
  void* const first = memory.allocate(0);
  void* const second = memory.allocate(7, 64);
  memory.deallocate(second, 7, 64);
  memory.deallocate(second, 0);  // as little as nothing: not the last any more
  EXPECT_EQ(memory.allocate(1, 64), second);
  EXPECT_NE(first, second);
}

TEST_F(Arena, ExtendsTheLastAllocationInPlace) {
  auto* const text = static_cast<char*>(memory.allocate(10));
  std::memset(text, 'a', 10);
  ASSERT_TRUE(memory.try_extend(text, 10, 1000));
  text[999] = 'z';
  EXPECT_EQ(text[9], 'a');
  EXPECT_GE(static_cast<char*>(memory.allocate(1)), text + 1000);
  EXPECT_FALSE(memory.try_extend(text, 1000, 1001)) << "no longer the last";
}

TEST_F(Arena, ExtendsToTheLastByteOfThePageAndNoFurther) {
  void* const last = memory.allocate(8);
  std::size_t const most = memory.usage().room_bytes + 8;
  EXPECT_FALSE(memory.try_extend(last, 8, most + 1));
  EXPECT_TRUE(memory.try_extend(last, 8, most));
  EXPECT_EQ(memory.usage().room_bytes, 0U);
  static_cast<std::byte*>(last)[most - 1] = std::byte{1};
  EXPECT_FALSE(memory.try_extend(last, most, most + 1));
  EXPECT_FALSE(memory.try_extend(last, most, std::numeric_limits<std::size_t>::max()));
  EXPECT_TRUE(memory.try_extend(last, most, 0));
  EXPECT_EQ(memory.usage().room_bytes, most - 8);
}

TEST_F(Arena, AnAllocationInThePageBehindIsNotTakenForTheLast) {
  // Two pages side by side: the first is filled to its end, where the second starts.
  for (int attempt = 0; attempt < 20; ++attempt) {
    static_cast<void>(memory.allocate(1));
    std::size_t const bytes = memory.usage().room_bytes - detail::redzone_bytes;
    void* const filler = memory.allocate(bytes);
    void* const first = memory.allocate(8);  // alone in a new page
    memory.deallocate(first, 8);
    EXPECT_FALSE(memory.try_extend(filler, bytes, bytes + 8));
    memory.deallocate(filler, bytes);
    EXPECT_EQ(memory.allocate(8), first);
  }
}

TEST_F(Arena, MoveTakesEverythingAndLeavesAnEmptyArenaThatWorks) {
  byte_budget budget{mib};
  arena source{pool, {.budget = &budget, .owner_tag = 5}};
  int const* const value = source.make<int>(42);
  static_cast<void>(source.allocate(300 * kib));
  std::size_t const held = source.reserved_bytes();
  arena target{std::move(source)};
  EXPECT_EQ(*value, 42);
  EXPECT_EQ(target.reserved_bytes(), held);
  EXPECT_EQ(source.reserved_bytes(), 0U);  // NOLINT(bugprone-use-after-move): it promises to be ready for use
  EXPECT_EQ(source.usage().page_count(), 0U);
  static_cast<void>(source.allocate(1));
  EXPECT_EQ(budget.used(), held + 16 * kib);
  EXPECT_EQ(pool.owner_of(value), 5U);
}

TEST_F(Arena, MoveAssignmentReleasesWhatTheTargetHad) {
  byte_budget first_budget{mib};
  byte_budget second_budget{mib};
  arena first{pool, {.budget = &first_budget}};
  arena second{pool, {.budget = &second_budget}};
  static_cast<void>(first.allocate(1));
  std::string_view const text = second.copy("stays");
  first = std::move(second);
  EXPECT_EQ(text, "stays");
  EXPECT_EQ(first_budget.used(), 0U);
  EXPECT_EQ(second_budget.used(), 16 * kib);
  EXPECT_EQ(first.budget(), &second_budget);
  arena& same = first;
  first = std::move(same);
  EXPECT_EQ(text, "stays");
  first.reset();
  EXPECT_EQ(second_budget.used(), 0U);
}

TEST_F(Arena, StartsOverForAnotherOwner) {
  byte_budget budget{mib};
  static_cast<void>(memory.allocate(1));
  memory.restart({.budget = &budget, .owner_tag = 9, .first_class = 2});
  EXPECT_EQ(memory.reserved_bytes(), 0U);
  EXPECT_EQ(pool.owner_of(memory.allocate(1)), 9U);
  EXPECT_EQ(budget.used(), 256 * kib);
  memory.reset();  // the budget ends before the arena
}

TEST_F(Arena, AResetArenaUsesItsPageAgain) {
  void* const first = memory.allocate(32);
  for (int i = 0; i < 1'000; ++i) {
    memory.reset();
    EXPECT_EQ(memory.allocate(32), first);
  }
  EXPECT_EQ(test::pages_made(pool), 1U);
}

TEST_F(Arena, WorksWithTheSmallestPages) {
  page_pool tiny{{.reserve_bytes = 16 * mib, .class_bytes = {4 * kib, 8 * kib, 16 * kib}}};
  arena small{tiny};
  for (std::size_t const bytes : {1U, 3000U, 4000U, 4096U, 4097U, 9000U}) {
    for (std::size_t const alignment : {8U, 1024U, 4096U, 8192U}) {
      auto* const start = static_cast<std::byte*>(small.allocate(bytes, alignment));
      EXPECT_TRUE(test::is_aligned(start, alignment));
      std::memset(start, 1, bytes);
    }
  }
}

}  // namespace
}  // namespace mayfly
