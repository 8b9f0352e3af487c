// What speaks for a scope without being an address of its memory: what of it excuses such an address, and what of it is
// an escape itself.

#include "support.hpp"
#include <mayfly/detail/egress_check.hpp>
#include <mayfly/detail/home_scope.hpp>
#include <mayfly/scoped_ref.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <tuple>
#include <type_traits>
#include <utility>

namespace mayfly {
namespace {

using detail::find_escape;
using detail::find_escape_in_bytes;
using detail::padding;
using test::inside;

constexpr auto rule = escape_rule::closure_sent;

template <class T>
std::uintptr_t number(T const* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

/// As the check of a closure with these captures.
template <class... Captures>
std::optional<escape_report> in_closure(scope const& from, Captures const&... captures) {
  std::array<std::byte, (sizeof(Captures) + ...)> bytes{};
  std::size_t at = 0;
  ((std::memcpy(bytes.data() + at, static_cast<void const*>(&captures), sizeof captures), at += sizeof captures), ...);
  return find_escape_in_bytes(rule, bytes.data(), bytes.size(), from, padding::cleared);
}

/// A scope whose memory resource is the first of its slot's, where the scope itself lies; somebody keeps it.
struct kept_scope {
  kept_scope() {
    while (opened->id().generation() % detail::resource_ring::size != 0) {
      opened->close();
      opened = &s.open("kept");
    }
    inside(*opened, [this] {
      inner = opened->make<std::uint64_t>(1U);
      hold = opened->hold();
    });
  }
  ~kept_scope() {
    opened->close();
    hold.release();
  }
  kept_scope(kept_scope const&) = delete;
  kept_scope& operator=(kept_scope const&) = delete;

  test::scopes s{1};
  scope* opened = &s.open("kept");
  std::uint64_t* inner = nullptr;
  scope_hold hold;
};

// ---- what excuses an address

TEST(EgressExcuse, AHoldOrPinThatIsBroughtAlongDoes) {
  kept_scope k;
  EXPECT_TRUE(in_closure(*k.opened, k.inner));
  EXPECT_TRUE(find_escape(rule, number(k.inner), *k.opened));
  std::tuple const held{number(k.inner), k.opened->hold()};
  EXPECT_FALSE(find_escape(rule, held, *k.opened));
  EXPECT_FALSE(in_closure(*k.opened, k.inner, std::get<1>(held)));
  std::tuple const pinned{number(k.inner), k.s.registry.pin(k.opened->id())};
  EXPECT_FALSE(find_escape(rule, pinned, *k.opened));
  EXPECT_FALSE(in_closure(*k.opened, k.inner, std::get<1>(pinned)));
}

TEST(EgressExcuse, WhatKnowsTheScopeAndKeepsNothingDoesNot) {
  kept_scope k;
  ASSERT_TRUE(k.opened->kept()) << "by somebody else";
  ASSERT_EQ(number(k.opened), number(k.opened->memory()));
  stop_token const token = k.opened->token();
  EXPECT_TRUE(in_closure(*k.opened, k.inner, token));
  EXPECT_TRUE(in_closure(*k.opened, k.inner, k.opened));
  EXPECT_TRUE(in_closure(*k.opened, k.inner, k.opened->memory()));
  EXPECT_TRUE(find_escape(rule, std::tuple{number(k.inner), number(k.opened)}, *k.opened));
  scope_hold empty;
  EXPECT_TRUE(in_closure(*k.opened, k.inner, empty));
}

// ---- handles that are escapes themselves

TEST(EgressHandles, TheScopeAndWhatItGivesOutAreFoundInAClosure) {
  test::scopes s;
  scope& opened = s.open("mine");
  for (void const* handle : {static_cast<void const*>(&opened), static_cast<void const*>(opened.memory()),
                             static_cast<void const*>(&opened.main_arena())}) {
    auto const found = in_closure(opened, std::uint64_t{0}, handle);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->rule, rule);
    EXPECT_EQ(found->address, handle);
    EXPECT_EQ(found->offset, 8U);
    EXPECT_EQ(found->scope, opened.id());
    EXPECT_EQ(found->route, "mine");
  }
  std::pmr::polymorphic_allocator<> const allocator{opened.memory()};
  EXPECT_TRUE(in_closure(opened, allocator));
  opened.close();
}

TEST(EgressHandles, TheContextIsFoundAsLongAsThereIsOne) {
  test::scopes s;
  scope& opened = s.open();
  std::uint64_t context = 0;
  EXPECT_FALSE(in_closure(opened, &context));
  opened.set_context(&context);
  EXPECT_TRUE(in_closure(opened, std::uint64_t{0}, &context));
  opened.set_context(nullptr);
  EXPECT_FALSE(in_closure(opened, &context));
  opened.close();
}

TEST(EgressHandles, ThoseOfTheScopesAroundAreFoundTooAndNoOthers) {
  test::scopes s;
  scope& outer = s.open("outer");
  scope* const inner = s.registry.open({.route = "inner", .parent = &outer});
  scope& stranger = s.open("stranger");
  std::uint64_t context = 0;
  outer.set_context(&context);
  auto const found = in_closure(*inner, &context);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->scope, outer.id());
  EXPECT_TRUE(in_closure(*inner, outer.memory()));
  EXPECT_FALSE(in_closure(*inner, stranger.memory()));
  EXPECT_FALSE(in_closure(outer, inner->memory())) << "whoever is inside looks after it";
  outer.set_context(nullptr);
  inner->close();
  stranger.close();
  outer.close();
}

TEST(EgressHandles, AHoldExcusesTheScopeButNotTheContext) {
  kept_scope k;
  std::uint64_t context = 0;
  k.opened->set_context(&context);
  scope_hold const brought = k.opened->hold();
  EXPECT_FALSE(in_closure(*k.opened, k.opened, k.opened->memory(), brought));
  EXPECT_TRUE(in_closure(*k.opened, k.opened->memory()));
  auto const found = in_closure(*k.opened, k.opened, &context, brought);
  ASSERT_TRUE(found) << "which ends with the handler, whoever holds the scope";
  EXPECT_EQ(found->address, &context);
  k.opened->set_context(nullptr);
}

TEST(EgressHandles, WhatIsMeantToLeaveLeaves) {
  kept_scope k;
  scope_entry const entered{*k.opened};
  EXPECT_FALSE(in_closure(*k.opened, k.opened->id()));
  EXPECT_FALSE(in_closure(*k.opened, k.opened->token()));
  EXPECT_FALSE(in_closure(*k.opened, scoped_ref<std::uint64_t>{*k.opened, *k.inner}));
  EXPECT_FALSE(in_closure(*k.opened, k.opened->hold()));
  EXPECT_FALSE(in_closure(*k.opened, k.s.registry.pin(k.opened->id())));
  EXPECT_FALSE(in_closure(*k.opened, detail::home_scope{})) << "as in a promise that is made here";
  EXPECT_FALSE(in_closure(*k.opened, &k.s.registry, &k.s.pool));
}

}  // namespace
}  // namespace mayfly
