#include <mayfly/detached.hpp>
#include <mayfly/in.hpp>

#include <gtest/gtest.h>

#include <concepts>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using mayfly::in;

template <class T>
concept Newable = requires { new T(std::declval<int&>()); };

// It is for parameters: not to be kept.
static_assert(!mayfly::Detached<in<int>> && !mayfly::Detached<std::vector<in<int>>>);
static_assert(!std::is_copy_constructible_v<in<int>> && !std::is_move_constructible_v<in<int>>);
static_assert(!std::is_copy_assignable_v<in<int>> && !std::is_move_assignable_v<in<int>>);
static_assert(!std::is_assignable_v<in<int>&, int&> && !std::is_assignable_v<in<int>&, int*>);
static_assert(!Newable<in<int>> && !std::is_default_constructible_v<in<int>>);
static_assert(!std::is_constructible_v<in<int>, int> && !std::is_constructible_v<in<int>, std::nullptr_t>);
static_assert(std::is_constructible_v<in<int const>, int&> && !std::is_constructible_v<in<int>, int const&>);
static_assert(sizeof(in<int>) == sizeof(int*));

std::size_t length(in<std::string const> text) { return text->size(); }
std::size_t length_of_two(in<std::string const> left, in<std::string const> right) {
  return length(*left) + length(*right);
}

TEST(In, TakesObjectsAndPointersAndIsPassedDown) {
  std::string const text = "four";
  EXPECT_EQ(length(text), 4U);
  EXPECT_EQ(length(&text), 4U);
  EXPECT_EQ(length_of_two(text, &text), 8U);
}

TEST(In, LetsItsObjectBeChanged) {
  int number = 1;
  [](in<int> it) { *it = 2; }(number);
  EXPECT_EQ(number, 2);
}

}  // namespace
