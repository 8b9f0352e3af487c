#include "support.hpp"
#include <mayfly/scoped_ref.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mayfly {
namespace {

using test::elsewhere;
using test::inside;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

/// A ref to a new T in the scope.
template <typename T, typename... Args>
scoped_ref<T> make(scope& in, Args&&... args) {
  return {in, *inside(in, [&] { return in.make<T>(std::forward<Args>(args)...); })};
}

TEST(ScopedRef, TakesEightBytesAndIsAValue) {
  static_assert(sizeof(scoped_ref<std::string>) == 8);
  static_assert(std::is_trivially_copyable_v<scoped_ref<std::string>>);
  static_assert(std::is_trivially_destructible_v<scoped_ref<std::string>>);
  static_assert(!std::is_convertible_v<scoped_ref<int const>, scoped_ref<int>>);
  static_assert(!std::is_convertible_v<scoped_ref<int>, scoped_ref<long>>);
}

TEST(ScopedRef, ToNothingGivesNothing) {
  scoped_ref<int> const nothing;
  EXPECT_EQ(nothing.get(), nullptr);
  EXPECT_FALSE(nothing.pin());
  EXPECT_EQ(nothing.pin().get(), nullptr);
  EXPECT_FALSE(nothing.id());
  EXPECT_EQ(nothing, scoped_ref<int>{});
}

TEST(ScopedRef, GivesTheObjectOnAnyThreadWhileItsScopeLives) {
  test::scopes s;
  scope& opened = s.open();
  auto const ref = make<std::string>(opened, "in the request's memory");
  EXPECT_EQ(ref.id(), opened.id());
  EXPECT_EQ(*ref.get(), "in the request's memory");
  EXPECT_EQ(*ref.pin(), "in the request's memory");
  elsewhere([ref] {
    EXPECT_EQ(ref.get()->size(), 23U);
    EXPECT_EQ(ref.pin()->size(), 23U);
  });
  opened.close();
}

TEST(ScopedRef, IsGoneForEverOnceItsScopeHasEnded) {
  test::scopes s{1};
  scope& first = s.open();
  auto const ref = make<int>(first, 1);
  first.close();
  EXPECT_EQ(ref.get(), nullptr);
  EXPECT_FALSE(ref.pin());
  scope& second = s.open();
  auto const tenant = make<int>(second, 2);
  EXPECT_EQ(ref.get(), nullptr) << "it must not answer with what the memory holds now, which is " << *tenant.get();
  EXPECT_FALSE(ref.pin());
  EXPECT_FALSE(ref.id());
  EXPECT_NE(ref, tenant);
  EXPECT_EQ(*tenant.get(), 2);
  second.close();
}

TEST(ScopedRef, KeepsTheObjectWhileItIsLookedAtAndNoLonger) {
  test::scopes s;
  bool gone = false;
  scope& opened = s.open();
  auto const ref = make<test::farewell>(opened, [&gone] { gone = true; });
  {
    auto looking = ref.pin();
    ASSERT_TRUE(looking);
    opened.close();
    EXPECT_FALSE(gone) << "the object is pinned";
    EXPECT_FALSE(ref.pin()) << "but nobody else finds it";
    EXPECT_NE(ref.get(), nullptr) << "under a pin";
    EXPECT_EQ(s.pages_in_use(), 1U);
    auto moved = std::move(looking);
    EXPECT_TRUE(moved);
    EXPECT_FALSE(looking);  // NOLINT(bugprone-use-after-move): what a moved-from one says is the point
    EXPECT_FALSE(gone);
  }
  EXPECT_TRUE(gone);
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(ScopedRef, MayBeCopiedOutOfItsScopeAndOutliveIt) {
  test::scopes s;
  scoped_ref<int const> escaped;
  {
    scope& opened = s.open();
    escaped = make<int>(opened, 7);
    auto const copy = escaped;
    EXPECT_EQ(*copy.get(), 7);
    opened.close();
  }
  EXPECT_FALSE(escaped.pin());
}

TEST(ScopedRef, OutlivesItsRegistryAndItsPool) {
  scoped_ref<int> escaped;
  {
    test::scopes s;
    scope& opened = s.open();
    escaped = make<int>(opened, 7);
    opened.close();
  }
  EXPECT_FALSE(escaped.pin());
  EXPECT_EQ(escaped.get(), nullptr);
  // A pool that gets the same anchors, perhaps the same addresses too.
  test::scopes s;
  scope& opened = s.open();
  auto const ref = make<int>(opened, 8);
  EXPECT_NE(ref, escaped);
  EXPECT_EQ(escaped.get(), nullptr);
  EXPECT_FALSE(escaped.pin());
  EXPECT_EQ(*ref.pin(), 8);
  opened.close();
}

TEST(ScopedRef, IsNotPinnedAnyMoreInTheDestructorsOfItsOwnScope) {
  test::scopes s;
  bool seen = true;
  bool there = false;
  scope& opened = s.open();
  inside(opened, [&] {
    scoped_ref<int> const ref{opened, *opened.make<int>(7)};
    opened.make<test::farewell>([&seen, &there, ref] {
      seen = static_cast<bool>(ref.pin());
      there = ref.get() != nullptr;
    });
  });
  opened.close();
  EXPECT_FALSE(seen);
  EXPECT_TRUE(there) << "the memory goes after every destructor has run";
}

TEST(ScopedRef, MayReferToAnyByteOfAnObject) {
  test::scopes s;
  scope& opened = s.open();
  auto const bytes = inside(opened, [&] { return opened.arena().make_span<char>(9 * kib); });
  std::vector<scoped_ref<char>> refs;
  for (char& each : bytes) refs.emplace_back(opened, each);
  for (std::size_t i = 0; i < refs.size(); ++i) ASSERT_EQ(refs[i].get(), &bytes[i]);
  opened.close();
  for (auto const& ref : refs) ASSERT_EQ(ref.get(), nullptr);
}

TEST(ScopedRef, WorksInPagesOfEveryClassInBlocksAndInRunsOfSpans) {
  test::scopes s;
  scope& opened = s.open();
  std::vector<scoped_ref<std::byte>> refs;
  std::vector<std::byte*> objects;
  for (std::size_t bytes :
       {14 * kib, 60 * kib, 60 * kib, 60 * kib, 60 * kib, 60 * kib, 65 * kib, 300 * kib, 2 * mib, 5 * mib}) {
    auto const all = inside(opened, [&] { return opened.arena().make_span<std::byte>(bytes); });
    for (std::byte* each : {&all.front(), &all[bytes / 2 + 1], &all.back()}) {
      refs.emplace_back(opened, *each);
      objects.push_back(each);
    }
  }
  auto const usage = opened.usage();
  for (auto const pages : usage.pages) EXPECT_GT(pages, 0U);
  EXPECT_GE(usage.oversize_blocks, 3U);
  for (std::size_t i = 0; i < refs.size(); ++i) {
    EXPECT_EQ(refs[i].get(), objects[i]);
    EXPECT_EQ(refs[i].pin().get(), objects[i]);
  }
  opened.close();
  for (auto const& ref : refs) EXPECT_EQ(ref.get(), nullptr);
}

TEST(ScopedRef, WorksInLanesAndFromOtherThreads) {
  test::scopes s;
  scope& opened = s.open();
  scoped_ref<int> theirs;
  elsewhere([&] { theirs = make<int>(opened, 7); });
  auto const mine = make<int>(opened, 8);
  scoped_ref<int> of_mine;
  elsewhere([&] { of_mine = {opened, *mine.get()}; });
  EXPECT_EQ(opened.lane_count(), 1U);
  EXPECT_EQ(of_mine, mine);
  EXPECT_EQ(*theirs.pin(), 7);
  opened.close();
  for (auto const& ref : {theirs, mine, of_mine}) EXPECT_FALSE(ref.pin());
}

TEST(ScopedRef, ToAnObjectOutsideTheScopeIsRefused) {
  test::scopes s;
  scope& one = s.open();
  scope& other = s.open();
  int local = 0;
  auto const heap = std::make_unique<int>(0);
  int& in_other = *inside(other, [&] { return other.make<int>(1); });
  EXPECT_THROW((scoped_ref<int>{one, local}), std::invalid_argument);
  EXPECT_THROW((scoped_ref<int>{one, *heap}), std::invalid_argument);
  EXPECT_THROW((scoped_ref<int>{one, in_other}), std::invalid_argument);
  test::scopes elsewhere_too;
  scope& foreign = elsewhere_too.open();
  EXPECT_THROW((scoped_ref<int>{foreign, in_other}), std::invalid_argument);
  foreign.close();
  one.close();
  other.close();
}

TEST(ScopedRef, IsGoneWhenARewindGivesItsPageBackAndNotBefore) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] {
    auto& memory = opened.arena();
    scoped_ref<int> const before{opened, *memory.make<int>(1)};
    auto const mark = memory.mark();
    scoped_ref<std::byte> const page{opened, memory.make_span<std::byte>(16 * kib).front()};
    scoped_ref<std::byte> const block{opened, memory.make_span<std::byte>(300 * kib).front()};
    ASSERT_TRUE(page.pin() && block.pin());
    memory.rewind(mark);
    EXPECT_EQ(page.get(), nullptr);
    EXPECT_FALSE(page.pin());
    EXPECT_FALSE(block.pin());
    EXPECT_EQ(*before.pin(), 1);
    auto const again = memory.make_span<std::byte>(16 * kib);
    EXPECT_EQ((scoped_ref<std::byte>{opened, again.front()}).get(), &again.front());
    EXPECT_FALSE(page.pin());
  });
  opened.close();
}

TEST(ScopedRef, IsGoneWhenItsBlockIsGivenBackEarly) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] {
    void* const block = opened.arena().allocate(300 * kib);
    scoped_ref<std::byte> const ref{opened, *static_cast<std::byte*>(block)};
    EXPECT_TRUE(ref.pin());
    opened.arena().deallocate(block, 300 * kib);
    EXPECT_FALSE(ref.pin());
  });
  opened.close();
}

TEST(ScopedRef, IsGoneWherePagesAreNeverUsedTwice) {
  page_pool pool{{.reserve_bytes = 64 * mib, .recycle = false}};
  scope_registry registry{pool};
  for (int round = 0; round < 5; ++round) {
    scope& opened = *registry.open({});
    auto const small = make<int>(opened, round);
    auto const large = inside(opened, [&] { return opened.arena().make_span<int>(mib); });
    scoped_ref<int> const in_run{opened, large[mib - 1]};
    {
      auto const pinned = small.pin();
      opened.close();
      EXPECT_EQ(*pinned, round) << "neither protected nor poisoned before the pin goes";
    }
    EXPECT_EQ(small.get(), nullptr);
    EXPECT_FALSE(in_run.pin());
  }
}

TEST(ScopedRef, OfAnEndedThreadsScopeWorksOn) {
  test::scopes s;
  scope* opened = nullptr;
  scoped_ref<int> ref;
  elsewhere([&] {
    opened = &s.open();
    ref = make<int>(*opened, 5);
  });
  EXPECT_EQ(*ref.pin(), 5);
  elsewhere([&] { opened->close(); });
  EXPECT_FALSE(ref.pin());
}

TEST(ScopedRef, NeverNamesTheSameMemoryTwiceOverManyLives) {
  test::scopes s{1};
  scoped_ref<int> before;
  for (int life = 0; life < 10'000; ++life) {
    scope& opened = s.open();
    auto const now = make<int>(opened, life);
    ASSERT_NE(now, before);
    ASSERT_EQ(before.get(), nullptr);
    ASSERT_EQ(*now.get(), life);
    before = now;
    opened.close();
  }
  EXPECT_EQ(s.pool.stats().classes[0].made, 1U) << "all of them in one page";
}

}  // namespace
}  // namespace mayfly
