#include "support.hpp"
#include <mayfly/scoped_ref.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace mayfly {
namespace {

using test::elsewhere;
using test::inside;

TEST(ScopedRef, ToNothingGivesNothing) {
  scoped_ref<int> const nothing;
  EXPECT_FALSE(nothing.get());
  EXPECT_EQ(nothing.get().get(), nullptr);
  EXPECT_FALSE(nothing.id());
}

TEST(ScopedRef, GivesTheObjectOnAnyThreadWhileItsScopeLives) {
  test::scopes s;
  scope& opened = s.open();
  auto* const text = inside(opened, [&] { return opened.make<std::string>("in the request's memory"); });
  scoped_ref<std::string> const ref{opened, *text};
  EXPECT_EQ(ref.id(), opened.id());
  EXPECT_EQ(*ref.get(), "in the request's memory");
  elsewhere([ref] { EXPECT_EQ(ref.get()->size(), 23U); });
  opened.close();
}

TEST(ScopedRef, IsGoneForEverOnceItsScopeHasEnded) {
  test::scopes s{1};
  scope& first = s.open();
  scoped_ref<int> const ref{first, *inside(first, [&] { return first.make<int>(1); })};
  first.close();
  EXPECT_FALSE(ref.get());
  scope& second = s.open();
  auto* const tenant = inside(second, [&] { return second.make<int>(2); });
  EXPECT_FALSE(ref.get()) << "it must not answer with what the memory holds now, which is " << *tenant;
  EXPECT_EQ(ref.get().get(), nullptr);
  second.close();
}

TEST(ScopedRef, KeepsTheObjectWhileItIsLookedAtAndNoLonger) {
  test::scopes s;
  bool gone = false;
  scope& opened = s.open();
  scoped_ref<test::farewell> const ref{
      opened, *inside(opened, [&] { return opened.make<test::farewell>([&gone] { gone = true; }); })};
  {
    auto looking = ref.get();
    ASSERT_TRUE(looking);
    opened.close();
    EXPECT_FALSE(gone) << "the object is pinned";
    EXPECT_FALSE(ref.get()) << "but nobody else finds it";
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
    escaped = {opened, *inside(opened, [&] { return opened.make<int>(7); })};
    auto const copy = escaped;
    EXPECT_EQ(*copy.get(), 7);
    opened.close();
  }
  EXPECT_FALSE(escaped.get());
}

TEST(ScopedRef, IsGoneInTheDestructorsOfItsOwnScope) {
  test::scopes s;
  bool seen = true;
  scope& opened = s.open();
  inside(opened, [&] {
    scoped_ref<int> const ref{opened, *opened.make<int>(7)};
    opened.make<test::farewell>([&seen, ref] { seen = static_cast<bool>(ref.get()); });
  });
  opened.close();
  EXPECT_FALSE(seen);
}

}  // namespace
}  // namespace mayfly
