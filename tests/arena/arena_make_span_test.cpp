#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

struct ArenaMakeSpan : testing::Test {
  page_pool pool{test::small_pool()};
  arena memory{pool};
};

struct counted {
  inline static std::vector<int> destroyed;
  inline static int made = 0;
  inline static int fails_at = -1;
  int number = made;
  counted() {
    if (made == fails_at) throw std::runtime_error{"no"};
    ++made;
  }
  ~counted() { destroyed.push_back(number); }
  static void start(int fail) {
    destroyed.clear();
    made = 0;
    fails_at = fail;
  }
};

TEST_F(ArenaMakeSpan, GivesValueInitialisedElements) {
  static_cast<void>(memory.allocate(8));
  std::memset(memory.allocate(800), 0xFF, 800);
  memory.reset();
  auto const numbers = memory.make_span<int>(200);
  EXPECT_EQ(numbers.size(), 200U);
  EXPECT_EQ(std::accumulate(numbers.begin(), numbers.end(), 0), 0);
  auto const texts = memory.make_span<std::string>(3);
  texts[2] = std::string(100, 'x');
  EXPECT_EQ(texts[0], "");
}

TEST_F(ArenaMakeSpan, OfNothingIsEmptyAndCostsNothing) {
  EXPECT_TRUE(memory.make_span<int>(0).empty());
  EXPECT_TRUE(memory.make_span<std::string>(0).empty());
  EXPECT_EQ(memory.reserved_bytes(), 0U);
}

TEST_F(ArenaMakeSpan, DestroysTheLastElementFirst) {
  counted::start(-1);
  static_cast<void>(memory.make_span<counted>(4));
  memory.reset();
  EXPECT_EQ(counted::destroyed, (std::vector<int>{3, 2, 1, 0}));
}

TEST_F(ArenaMakeSpan, DestroysWhatWasMadeWhenAConstructorThrows) {
  for (int const k : {0, 1, 5}) {
    counted::start(k);
    EXPECT_THROW(static_cast<void>(memory.make_span<counted>(8)), std::runtime_error);
    EXPECT_EQ(counted::destroyed.size(), static_cast<std::size_t>(k));
    memory.reset();
    EXPECT_EQ(counted::destroyed.size(), static_cast<std::size_t>(k)) << "and not once more";
  }
}

TEST_F(ArenaMakeSpan, ThatCannotBeRecordedIsDestroyedAtOnce) {
  byte_budget budget{16 * kib};
  arena tight{pool, {.budget = &budget}};
  static_cast<void>(tight.allocate(8));
  counted::start(-1);
  std::size_t const needed = 16 + 16 + 2 * detail::redzone_bytes;  // the owner and the elements
  static_cast<void>(tight.allocate(tight.usage().room_bytes - needed - detail::redzone_bytes));
  EXPECT_THROW(static_cast<void>(tight.make_span<counted>(4)), allocation_error);
  EXPECT_EQ(counted::destroyed, (std::vector<int>{3, 2, 1, 0}));
}

TEST_F(ArenaMakeSpan, CatchesASizeThatOverflows) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (std::size_t const count : {most, most / 8, most / 8 + 1, most / 16 + 1}) {
    try {
      static_cast<void>(memory.make_span<std::uint64_t>(count));
      FAIL() << count;
    } catch (allocation_error const& error) {
      EXPECT_EQ(error.reason(), refusal::too_large) << count;
    }
    EXPECT_THROW(static_cast<void>(memory.make_span<std::string>(count)), allocation_error);
  }
  EXPECT_THROW(static_cast<void>(memory.make_span<std::uint64_t>(most / 64)), allocation_error);
  EXPECT_EQ(pool.stats().blocks_in_use, 0U);
}

TEST_F(ArenaMakeSpan, HonoursAlignmentAndSizesBeyondAPage) {
  struct alignas(64) line {
    char bytes[64];
  };
  auto const lines = memory.make_span<line>(10'000);
  EXPECT_TRUE(test::is_aligned(lines.data(), 64));
  lines.back().bytes[63] = 1;
  EXPECT_EQ(memory.usage().oversize_blocks, 1U);
}

}  // namespace
}  // namespace mayfly
