// Built with MAYFLY_CANARIES: what is written beyond an allocation is told when it is given back, at rewind and reset.

#include "support.hpp"
#include <mayfly/arena.hpp>
#include <mayfly/arena_allocator.hpp>
#include <mayfly/arena_resource.hpp>
#include <mayfly/detail/canary.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <dlfcn.h>

namespace mayfly {
namespace {

using test::kib;

std::vector<detail::canary_damage> found;

bool is_code(void const* address) {
  Dl_info of_address{};
  Dl_info of_program{};
  return ::dladdr(address, &of_address) != 0 && ::dladdr(reinterpret_cast<void const*>(&is_code), &of_program) != 0 &&
         of_address.dli_fbase == of_program.dli_fbase;
}

struct Canaries : testing::Test {
  Canaries() {
    found.clear();
    detail::set_canary_handler([](detail::canary_damage const& damage) noexcept { found.push_back(damage); });
  }
  ~Canaries() override { detail::set_canary_handler(nullptr); }
  Canaries(Canaries const&) = delete;
  Canaries& operator=(Canaries const&) = delete;

  char* take(std::size_t bytes, std::size_t alignment = 8) {
    auto* const taken = static_cast<char*>(memory.allocate(bytes, alignment));
    std::memset(taken, 1, bytes);
    return taken;
  }

  page_pool pool{test::small_pool()};
  arena memory{pool, {.owner_tag = 42}};
};

TEST_F(Canaries, AreInThisBuild) {
  if (detail::sanitized) GTEST_SKIP() << "AddressSanitizer's poison sees more";
  static_assert(detail::sanitized || (detail::canaries && detail::redzone_bytes == detail::canary_bytes));
}

struct CanariesLaid : Canaries {
  void SetUp() override {
    if (detail::sanitized) GTEST_SKIP() << "AddressSanitizer's poison sees more";
  }
};

TEST_F(CanariesLaid, SayNothingOfWhatIsInBounds) {
  for (std::size_t bytes = 1; bytes < 3'000; bytes += 37) {
    take(bytes, std::size_t{8} << bytes % 5);
    auto* const last = take(8);
    if (bytes % 2 == 0 && memory.try_extend(last, 8, 30)) std::memset(last, 2, 30);
    if (bytes % 3 == 0) memory.deallocate(last, bytes % 2 == 0 ? 30 : 8);
  }
  auto const point = memory.mark();
  take(300 * kib);
  take(20 * kib);
  memory.rewind(point);
  memory.deallocate(take(100 * kib), 100 * kib);
  memory.check_canaries();
  memory.reset();
  take(5);
  memory.reset();
  EXPECT_TRUE(found.empty());
}

TEST_F(CanariesLaid, OneByteTooManyIsToldAtTheEndWithAddressSizeAndSite) {
  take(100);
  char* const text = take(13);
  take(100);
  text[13] = 7;
  EXPECT_TRUE(found.empty());
  memory.reset();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].address, text + 13);
  EXPECT_EQ(found[0].memory, text);
  EXPECT_EQ(found[0].bytes, 13U);
  EXPECT_NE(found[0].site, nullptr);
  EXPECT_EQ(found[0].owner_tag, 42U);
}

/// Has a destructor, and a size that is no multiple of 8.
struct odd {
  char bytes[13]{};
  ~odd() { bytes[0] = 0; }
};

TEST_F(CanariesLaid, BehindWhateverIsAskedForAndHowever) {
  arena_resource resource{memory};
  std::vector<std::pair<char*, std::size_t>> taken;
  auto const note = [&](void* at, std::size_t bytes) { taken.emplace_back(static_cast<char*>(at), bytes); };
  note(memory.make<odd>(), 13);
  note(memory.make_span<char>(21).data(), 21);
  note(memory.make_span<std::uint32_t>(3).data(), 12);
  note(memory.make_span<odd>(3).data(), 39);
  note(const_cast<char*>(memory.copy("seven").data()), 6);  // with its NUL
  note(memory.try_allocate(5), 5);
  note(memory.allocate(0), 1);
  note(resource.allocate(11, 1), 11);
  note(arena_allocator<char>{memory}.allocate(9), 9);
  note(memory.allocate(50, 256), 50);
  note(memory.make_span<char>(200 * kib + 3).data(), 200 * kib + 3);
  note(memory.allocate(300 * kib + 5, 8 * kib), 300 * kib + 5);
  for (auto const& [at, bytes] : taken) at[bytes] = 7;
  memory.check_canaries();
  ASSERT_EQ(found.size(), taken.size());
  for (auto const& [at, bytes] : taken) {
    EXPECT_TRUE(std::any_of(found.begin(), found.end(), [&](detail::canary_damage const& damage) {
      return damage.memory == at && damage.bytes == bytes && damage.address == at + bytes && is_code(damage.site);
    })) << bytes;
  }
}

TEST_F(CanariesLaid, EveryOneIsTold) {
  for (std::size_t const bytes : {1U, 7U, 8U, 16U, 1000U}) {
    take(bytes)[bytes] = 7;
    take(3);
  }
  memory.check_canaries();
  EXPECT_EQ(found.size(), 5U);
  memory.check_canaries();
  EXPECT_EQ(found.size(), 5U) << "they were mended";
  memory.reset();
  EXPECT_EQ(found.size(), 5U);
}

TEST_F(CanariesLaid, InPagesGoneOnFromAndInFirstAllocationsOfPages) {
  std::vector<char*> taken;
  for (int i = 0; i < 12; ++i) taken.push_back(take(9'001));
  for (char* const each : taken) each[9'001] = 7;
  memory.reset();
  EXPECT_EQ(found.size(), 12U);
}

TEST_F(CanariesLaid, InBlocksToTheirEnd) {
  char* const block = take(100 * kib + 1);
  block[100 * kib + 100] = 7;
  memory.deallocate(block, 100 * kib + 1);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].address, block + 100 * kib + 100);
  EXPECT_EQ(found[0].bytes, 100 * kib + 1);
  char* const other = take(700 * kib);
  other[700 * kib] = 7;
  memory.reset();
  EXPECT_EQ(found.size(), 2U);
}

TEST_F(CanariesLaid, InABlockThatHasShrunkToTheSizeOfAPageAllocation) {
  for (bool const overrun : {false, true}) {
    found.clear();
    char* const block = take(100 * kib);
    ASSERT_TRUE(memory.try_extend(block, 100 * kib, 10));
    if (overrun) block[10] = 7;
    memory.deallocate(block, 10);
    EXPECT_EQ(found.size(), overrun ? 1U : 0U);
    memory.reset();
    EXPECT_EQ(found.size(), overrun ? 1U : 0U);
  }
}

TEST_F(CanariesLaid, WhenMemoryIsGivenBackOrGrows) {
  char* const last = take(24);
  last[24] = 7;
  memory.deallocate(last, 24);
  EXPECT_EQ(found.size(), 1U);
  char* const grown = take(24);
  EXPECT_EQ(grown, last);
  ASSERT_TRUE(memory.try_extend(grown, 24, 48));
  grown[47] = 1;
  grown[48] = 7;
  memory.reset();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1].bytes, 48U);
}

TEST_F(CanariesLaid, WhenWhatIsToGrowWasOverrun) {
  for (std::size_t const bytes : {std::size_t{24}, 100 * kib}) {
    found.clear();
    char* const text = take(bytes);
    text[bytes] = 7;
    ASSERT_TRUE(memory.try_extend(text, bytes, bytes + 20));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].bytes, bytes);
    memory.reset();
    EXPECT_EQ(found.size(), 1U);
  }
}

TEST_F(CanariesLaid, BehindWhatHasGrownOrShrunkToTheByteAndStillWithASite) {
  for (std::size_t const bytes : {std::size_t{24}, 100 * kib}) {
    found.clear();
    for (std::size_t const now : {bytes, bytes + 21, bytes - 3}) {
      char* const text = take(bytes);
      ASSERT_TRUE(memory.try_extend(text, bytes, now));
      text[now] = 7;
    }
    memory.reset();
    ASSERT_EQ(found.size(), 3U);
    std::vector<std::size_t> sizes;
    for (auto const& damage : found) {
      sizes.push_back(damage.bytes);
      EXPECT_TRUE(is_code(damage.site));
    }
    EXPECT_THAT(sizes, testing::UnorderedElementsAre(bytes, bytes + 21, bytes - 3));
  }
}

TEST_F(CanariesLaid, HaveRoomLeftWhereAnAllocationGrowsAsFarAsItCan) {
  for (std::size_t const start : {std::size_t{24}, 100 * kib}) {
    found.clear();
    char* const text = take(start);
    std::size_t bytes = start;
    while (memory.try_extend(text, bytes, bytes + 1)) ++bytes;
    ASSERT_GT(bytes, start);
    std::memset(text, 1, bytes);
    memory.check_canaries();
    EXPECT_TRUE(found.empty());
    text[bytes] = 7;
    memory.reset();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].bytes, bytes);
  }
}

TEST_F(CanariesLaid, AreFoundBehindAGapThatWasAlignedAndGivenBack) {
  char* const first = take(24);
  char* const aligned = take(40, 512);
  ASSERT_GT(aligned - first, 24 + std::ptrdiff_t{detail::canary_bytes}) << "a gap";
  memory.deallocate(aligned, 40, 512);
  take(8);
  memory.check_canaries();
  EXPECT_TRUE(found.empty());
  first[24] = 7;
  memory.reset();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].memory, first);
}

TEST_F(CanariesLaid, AreFoundWhereTheFirstAllocationOfAPageIsAligned) {
  std::vector<arena> arenas;  // whose first pages begin at sixteen different offsets
  for (int i = 0; i < 16; ++i) {
    arena& fresh = arenas.emplace_back(pool);
    auto* const first = static_cast<char*>(fresh.allocate(40, 4 * kib));
    fresh.check_canaries();
    EXPECT_TRUE(found.empty());
    first[40] = 7;
    fresh.check_canaries();
    EXPECT_EQ(found.size(), 1U);
    found.clear();
  }
}

TEST_F(CanariesLaid, BetweenAMarkAndItsRewind) {
  auto const point = memory.mark();
  take(24)[24] = 7;
  memory.rewind(point);
  EXPECT_EQ(found.size(), 1U);
}

TEST_F(CanariesLaid, AWholeCanaryThatIsLostIsToldOnceAndEndsTheLook) {
  take(24);
  char* const spoilt = take(24);
  std::fill_n(spoilt + 24, detail::canary_bytes, '\xFF');
  take(24)[24] = 7;
  memory.reset();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1].address, spoilt + 24);
  EXPECT_EQ(found[1].bytes, 0U) << "unknown";
}

TEST_F(CanariesLaid, DestructorsMayStillWriteBeyond) {
  struct late {
    char* text;
    ~late() { text[8] = 7; }
  };
  char* const text = take(8);
  memory.make<late>(text);
  memory.reset();
  EXPECT_EQ(found.size(), 1U);
}

TEST_F(CanariesLaid, WithoutAHandlerTheProgramEnds) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  detail::set_canary_handler(nullptr);
  EXPECT_DEATH(
      {
        take(13)[13] = 7;
        memory.reset();
      },
      "beyond an allocation of 13 bytes");
}

}  // namespace
}  // namespace mayfly
