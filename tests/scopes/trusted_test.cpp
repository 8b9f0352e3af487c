#include <mayfly/detail/egress_walk.hpp>
#include <mayfly/trusted.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace {

using mayfly::Detached;
using mayfly::trusted;
using mayfly::trusted_value;

static_assert(!Detached<std::string_view> && Detached<trusted_value<std::string_view>>);
static_assert(Detached<std::pair<int, trusted_value<int*>>>);
static_assert(std::is_same_v<decltype(trusted("text")), trusted_value<char const*>>);

TEST(Trusted, IsWhatItHolds) {
  auto const view = trusted(std::string_view("a literal"));
  std::string_view const text = view;
  EXPECT_EQ(text, "a literal");
  EXPECT_EQ(view.get().size(), 9U);
  auto owner = trusted(std::make_unique<int>(7));
  EXPECT_EQ(*owner.get(), 7);
  EXPECT_EQ(*std::move(owner).get(), 7);
}

TEST(Trusted, IsStillLookedAtOnItsWayOut) {
  std::array<char, 64> memory{};
  mayfly::address_range const range{reinterpret_cast<std::uintptr_t>(memory.data()), memory.size()};
  auto const hit = mayfly::find_address(trusted(std::string_view(memory.data() + 3, 4)), range);
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->address, memory.data() + 3);
  EXPECT_TRUE(mayfly::find_address(trusted(memory.data()), range).has_value());
  EXPECT_FALSE(mayfly::find_address(trusted(std::string_view("a literal")), range).has_value());
  static_assert(!mayfly::walks<trusted_value<std::string>>);
}

}  // namespace
