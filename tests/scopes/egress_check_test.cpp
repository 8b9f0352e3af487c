#include "support.hpp"
#include <mayfly/detail/egress_check.hpp>
#include <mayfly/escape_refused.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <memory_resource>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace mayfly {
namespace {

using detail::egress_reach;
using detail::find_escape;
using detail::find_escape_in_bytes;
using detail::padding;
using test::inside;

constexpr auto rule = escape_rule::value_sent;

/// A scope with another inside, and an object in each.
struct family {
  family() {
    inside(outer, [this] { in_outer = outer.make<std::uint64_t>(1U); });
    inside(*inner, [this] { in_inner = inner->make<std::uint64_t>(2U); });
    inside(stranger, [this] { in_stranger = stranger.make<std::uint64_t>(3U); });
  }
  ~family() {
    if (inner != nullptr) inner->close();
    outer.close();
    stranger.close();
  }

  test::scopes s;
  scope& outer = s.open("outer");
  scope* inner = s.registry.open({.route = "inner", .parent = &outer});
  scope& stranger = s.open("stranger");
  std::uint64_t* in_outer = nullptr;
  std::uint64_t* in_inner = nullptr;
  std::uint64_t* in_stranger = nullptr;
};

std::uintptr_t number(void const* address) { return reinterpret_cast<std::uintptr_t>(address); }

// ---- scopes in scopes

TEST(ScopeParent, IsTheScopeItWasOpenedIn) {
  family f;
  EXPECT_EQ(f.inner->parent(), &f.outer);
  EXPECT_EQ(f.outer.parent(), nullptr);
}

TEST(ScopeParent, IsForgottenWhenItHasEnded) {
  test::scopes s;
  scope& outer = s.open("outer");
  scope* const inner = s.registry.open({.route = "inner", .parent = &outer});
  outer.close();
  EXPECT_EQ(inner->parent(), nullptr);
  scope& next = s.open("next");
  EXPECT_EQ(&next, &outer) << "the slot has a new tenant";
  EXPECT_EQ(inner->parent(), nullptr) << "and that is nobody's parent";
  inner->close();
  next.close();
}

TEST(ScopeKept, SaysWhetherAHoldOrAPinIsThereBesideTheOpener) {
  test::scopes s;
  scope& opened = s.open();
  EXPECT_FALSE(opened.kept());
  {
    scope_pin const pin = s.registry.pin(opened.id());
    EXPECT_TRUE(opened.kept());
  }
  EXPECT_FALSE(opened.kept());
  scope_hold const hold = opened.hold();
  EXPECT_TRUE(opened.kept());
  opened.close();
  EXPECT_TRUE(opened.kept()) << "the hold is what keeps it now";
}

// ---- what only shows its address when it is asked

/// Says what the caller chose, wherever that lies.
struct told : std::exception {
  explicit told(char const* text) : text_{text} {}
  [[nodiscard]] char const* what() const noexcept override { return text_; }

 private:
  char const* text_;
};

TEST(EgressCheck, AnExceptionPtrIsLookedInto) {
  family const f;
  char const* const text = inside(*f.inner, [&] { return f.inner->arena().copy("a text").data(); });
  std::exception_ptr const guilty = std::make_exception_ptr(told{text});
  auto const found = find_escape(rule, guilty, *f.inner);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rule, rule) << "the rule of the way it takes, not that of a thrown one";
  EXPECT_EQ(found->scope, f.inner->id());
  EXPECT_EQ(found->address, text);
  auto const deeper = find_escape(rule, std::pair{7, std::vector{std::exception_ptr{}, guilty}}, *f.inner);
  ASSERT_TRUE(deeper);
  EXPECT_EQ(deeper->offset, 8U) << "the vector that owns it";
  EXPECT_FALSE(find_escape(rule, std::exception_ptr{}, *f.inner));
  EXPECT_FALSE(find_escape(rule, std::make_exception_ptr(told{"a literal"}), *f.inner));
  EXPECT_FALSE(find_escape(rule, std::make_exception_ptr(std::runtime_error{"owns its text"}), *f.inner));
  EXPECT_FALSE(find_escape(rule, guilty, f.stranger));
}

TEST(EgressCheck, AnExceptionPtrOfTheScopeAroundMayLeaveTheOneInside) {
  family const f;
  std::exception_ptr const of_outer = std::make_exception_ptr(f.in_outer);
  EXPECT_TRUE(find_escape(rule, of_outer, *f.inner));
  EXPECT_FALSE(find_escape(rule, of_outer, *f.inner, egress_reach::itself));
}

TEST(EgressCheck, AnExceptionWhoseMemberHasTheScopesResourceNamesTheScope) {
  family const f;
  std::exception_ptr error;
  try {
    throw std::pmr::string{"short", f.outer.memory()};
  } catch (...) {
    error = std::current_exception();
  }
  auto const found = find_escape(rule, error, f.outer);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->scope, f.outer.id());
}

TEST(EgressCheck, AHoldInTheValueExcusesItsException) {
  family const f;
  std::pair value{std::make_exception_ptr(f.in_outer), f.outer.hold()};
  EXPECT_FALSE(find_escape(rule, value, f.outer));
  value.second = {};
  EXPECT_TRUE(find_escape(rule, value, f.outer));
}

struct category : std::error_category {
  [[nodiscard]] char const* name() const noexcept override { return "test"; }
  [[nodiscard]] std::string message(int) const override { return "message"; }
};

TEST(EgressCheck, AnErrorCodesCategoryIsLookedAt) {
  family const f;
  category const& inside_category = *inside(f.outer, [&] { return f.outer.make<category>(); });
  std::error_code const code{1, inside_category};
  EXPECT_TRUE(find_escape(rule, code, f.outer));
  EXPECT_TRUE(find_escape(rule, std::error_condition{1, inside_category}, f.outer));
  EXPECT_TRUE(find_escape(rule, std::optional{code}, f.outer));
  EXPECT_TRUE(find_escape(rule, std::make_exception_ptr(std::system_error{code, "thrown"}), f.outer));
  EXPECT_FALSE(find_escape(rule, std::make_error_code(std::errc::io_error), f.outer));
  EXPECT_FALSE(find_escape(rule, std::error_condition{}, f.outer));
}

// ---- whose memory counts

TEST(EgressCheck, MemoryOfTheScopeAndOfThoseAroundItCounts) {
  family const f;
  auto const own = find_escape(rule, number(f.in_inner), *f.inner);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->rule, rule);
  EXPECT_EQ(own->address, f.in_inner);
  EXPECT_EQ(own->scope, f.inner->id());
  EXPECT_EQ(own->route, "inner");
  EXPECT_EQ(own->opened, f.inner->opened());
  EXPECT_EQ(own->opened_thread, f.inner->opener_thread());
  auto const outer = find_escape(rule, number(f.in_outer), *f.inner);
  ASSERT_TRUE(outer);
  EXPECT_EQ(outer->scope, f.outer.id());
  EXPECT_EQ(outer->route, "outer");
}

TEST(EgressCheck, WhatStaysInsideTheScopeAroundMayPointIntoThat) {
  family const f;
  EXPECT_TRUE(find_escape(rule, number(f.in_inner), *f.inner, egress_reach::itself));
  EXPECT_FALSE(find_escape(rule, number(f.in_outer), *f.inner, egress_reach::itself));
}

TEST(EgressCheck, OtherScopesMemoryAndIdlePagesDoNotCount) {
  family f;
  EXPECT_FALSE(find_escape(rule, number(f.in_stranger), *f.inner));
  EXPECT_FALSE(find_escape(rule, number(f.in_inner), f.outer)) << "whoever is inside looks after it";
  auto const gone = number(f.in_inner);
  std::exchange(f.inner, nullptr)->close();
  EXPECT_FALSE(find_escape(rule, gone, f.outer));
}

TEST(EgressCheck, AValueThatBringsAHoldMayPointIntoWhatItHolds) {
  family const f;
  struct kept_number {
    scope_hold hold;
    std::uintptr_t address;
  };
  kept_number const value{inside(f.outer, [&f] { return f.outer.hold(); }), number(f.in_outer)};
  EXPECT_FALSE(find_escape(rule, value, f.outer));
  EXPECT_TRUE(find_escape(rule, value.address, f.outer)) << "alone it may not";
  kept_number const other{{}, number(f.in_outer)};
  EXPECT_TRUE(find_escape(rule, other, f.outer)) << "nor with an empty hold, whoever else holds it";
}

TEST(EgressCheck, AWordBehindOneThatDoesNotCountIsStillSeen) {
  family const f;
  std::uintptr_t const words[] = {number(f.in_stranger), 5, number(f.in_outer)};
  auto const found = find_escape_in_bytes(rule, words, sizeof words, f.outer, padding::cleared);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->offset, 2 * sizeof(std::uintptr_t));
}

TEST(EgressCheck, WherePaddingIsUnknownABoolInFrontOfStaleBytesIsNoAddress) {
  family const f;
  for (std::uintptr_t low : {0U, 1U, 2U}) {
    std::uintptr_t const word = (number(f.in_outer) & ~std::uintptr_t{0xff}) | low;
    EXPECT_EQ(find_escape_in_bytes(rule, &word, sizeof word, f.outer, padding::unknown).has_value(), low == 2U);
    EXPECT_TRUE(find_escape_in_bytes(rule, &word, sizeof word, f.outer, padding::cleared));
  }
}

TEST(EgressRefused, NamesTheRuleAndTheScopeAndSaysTheReport) {
  family const f;
  auto const found = find_escape(rule, number(f.in_outer), f.outer);
  ASSERT_TRUE(found);
  escape_refused const refused{*found};
  EXPECT_EQ(refused.rule(), rule);
  EXPECT_EQ(refused.scope(), f.outer.id());
  EXPECT_THAT(refused.what(), ::testing::StartsWith("MF-E15: "));
}

}  // namespace
}  // namespace mayfly
