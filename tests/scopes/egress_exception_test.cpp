#include "support.hpp"
#include <mayfly/detail/egress_check.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mayfly {
namespace {

using detail::find_escape_in_exception;
using test::inside;

constexpr std::string_view long_text = "a text that is too long for the small buffer of any string";

struct EgressException : testing::Test {
  ~EgressException() override { from.close(); }

  [[nodiscard]] bool escapes(std::exception_ptr const& error) const {
    return find_escape_in_exception(error, from).has_value();
  }

  test::scopes s;
  scope& from = s.open("throws");
};

struct plain_error : std::exception {
  explicit plain_error(char const* told) : text{told} {}
  char const* text;
};

struct parse_error : std::runtime_error {
  explicit parse_error(std::pmr::string bad) : std::runtime_error{"cannot parse"}, line{std::move(bad)} {}
  std::pmr::string line;
};

/// As it is thrown: make_exception_ptr() copies, and a copy of a pmr string lies on the heap.
template <class Throw>
std::exception_ptr thrown_by(Throw&& thrower) {
  try {
    thrower();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

TEST_F(EgressException, ShowsWhatItsWhatPointsTo) {
  struct told : std::exception {
    explicit told(char const* what) : text{what} {}
    [[nodiscard]] char const* what() const noexcept override { return text; }
    char const* text;
  };
  auto const inside_text = inside(from, [this] { return from.arena().copy(long_text); });
  EXPECT_TRUE(escapes(std::make_exception_ptr(told{inside_text.data()})));
  EXPECT_FALSE(escapes(std::make_exception_ptr(told{"a literal"})));
}

TEST_F(EgressException, MayBeAViewOrAPointerOrAPmrString) {
  auto const text = inside(from, [this] { return from.arena().copy(long_text); });
  EXPECT_TRUE(escapes(std::make_exception_ptr(text)));
  EXPECT_TRUE(escapes(std::make_exception_ptr(text.data())));
  EXPECT_FALSE(escapes(std::make_exception_ptr(long_text)));
  inside(from, [&] {
    EXPECT_TRUE(escapes(thrown_by([&] { throw std::pmr::string{long_text, from.memory()}; })));
    EXPECT_TRUE(escapes(thrown_by([&] { throw std::pmr::string{"short", from.memory()}; })))
        << "it brings the resource";
    EXPECT_FALSE(escapes(thrown_by([&] { throw std::pmr::string{long_text}; })));
  });
}

TEST_F(EgressException, ShowsAContainerAmongItsMembersByItsResource) {
  inside(from, [&] {
    EXPECT_TRUE(escapes(thrown_by([&] { throw parse_error{std::pmr::string{long_text, from.memory()}}; })));
    EXPECT_FALSE(escapes(thrown_by([&] { throw parse_error{std::pmr::string{long_text}}; })));
  });
}

TEST_F(EgressException, WhatItsHeapBlockHeldBeforeIsNotItsOwn) {
  auto const text = inside(from, [this] { return from.arena().copy(long_text); });
  // Chunks of every size that a small exception may be given, full of addresses of the scope, and free again: some of
  // them not through the thread's cache, so that one larger than asked for is handed out whole.
  for (std::size_t bytes = 136; bytes <= 200; bytes += 16) {
    std::array<void*, 24> blocks{};
    for (void*& block : blocks) {
      block = std::malloc(bytes);
      ASSERT_NE(block, nullptr);
      std::fill_n(static_cast<void const**>(block), bytes / sizeof(void*), text.data());
    }
    for (std::size_t i = 0; i < blocks.size(); i += 2) std::free(blocks[i]);
    void* const sorts_the_free_ones = std::malloc(5'000);
    for (int i = 0; i < 16; ++i) {
      EXPECT_FALSE(escapes(std::make_exception_ptr(plain_error{"a literal"})));
      EXPECT_FALSE(escapes(std::make_exception_ptr(std::runtime_error{"a text of the heap's"})));
      EXPECT_FALSE(escapes(std::make_exception_ptr(i)));
    }
    std::free(sorts_the_free_ones);
    for (std::size_t i = 1; i < blocks.size(); i += 2) std::free(blocks[i]);
  }
}

}  // namespace
}  // namespace mayfly
