#include <mayfly/scope_id.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <type_traits>
#include <unordered_set>
#include <vector>

namespace mayfly {
namespace {

constexpr std::uint32_t last_slot = (1U << 24U) - 1;

TEST(ScopeId, ComesApartIntoTheSlotAndGenerationItWasMadeOf) {
  for (std::uint32_t const slot : {0U, 1U, last_slot}) {
    for (std::uint64_t const generation : {std::uint64_t{1}, std::uint64_t{1} << 39U, scope_id::largest_generation}) {
      scope_id const id{slot, generation};
      EXPECT_EQ(id.slot(), slot);
      EXPECT_EQ(id.generation(), generation);
      EXPECT_TRUE(id);
    }
  }
}

TEST(ScopeId, TakesAllOf64Bits) {
  EXPECT_EQ((scope_id{last_slot, scope_id::largest_generation}.bits()), ~std::uint64_t{0});
  EXPECT_EQ(sizeof(scope_id), 8U);
}

TEST(ScopeId, MadeOfNothingNamesNoScope) {
  EXPECT_FALSE(scope_id{});
  EXPECT_EQ(to_string(scope_id{}), "none");
}

TEST(ScopeId, SurvivesTheTripThroughANumber) {
  scope_id const id{17, 42};
  EXPECT_EQ(scope_id::from_bits(id.bits()), id);
}

TEST(ScopeId, IsNeverABareInteger) {
  static_assert(!std::is_convertible_v<std::uint64_t, scope_id>);
  static_assert(!std::is_convertible_v<scope_id, std::uint64_t>);
  static_assert(!std::is_constructible_v<scope_id, std::uint64_t>);
  static_assert(std::is_trivially_copyable_v<scope_id>);
}

TEST(ScopeId, PrintsItsSlotAndItsGeneration) {
  std::ostringstream out;
  out << scope_id{17, 42};
  EXPECT_EQ(out.str(), "17.42");
}

TEST(ScopeId, IsAKeyInSetsAndSorts) {
  std::vector<scope_id> ids{{2, 1}, {1, 2}, {1, 1}, {0, 2}};
  std::ranges::sort(ids);
  EXPECT_EQ(ids, (std::vector<scope_id>{{1, 1}, {2, 1}, {0, 2}, {1, 2}}));
  EXPECT_EQ((std::unordered_set<scope_id>{ids.begin(), ids.end()}.size()), 4U);
}

}  // namespace
}  // namespace mayfly
