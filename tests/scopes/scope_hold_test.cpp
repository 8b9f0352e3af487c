#include "support.hpp"
#include <mayfly/scope_hold.hpp>

#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mayfly {
namespace {

using test::elsewhere;
using test::inside;

TEST(ScopeHold, KeepsTheScopeOpenPastItsHandler) {
  test::scopes s;
  scope& opened = s.open();
  scope_id const id = opened.id();
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  std::string_view const answer = inside(opened, [&] { return opened.arena().copy("the answer"); });
  opened.close();
  ASSERT_TRUE(s.registry.find(id)) << "it is listed while it is held";
  EXPECT_EQ(s.registry.find(id)->phase, scope_phase::held);
  EXPECT_EQ(answer, "the answer");
  EXPECT_EQ(hold->id(), id);
  hold.release();
  EXPECT_FALSE(s.registry.find(id));
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(ScopeHold, DroppedOnAnotherThreadEndsTheScopeThereAndItsPagesFeedThatThreadsMagazine) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] { static_cast<void>(opened.arena().allocate(100)); });
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  opened.close();
  ASSERT_EQ(s.pages_in_use(), 1U);
  elsewhere([&] {
    auto const before = s.pool.stats().classes[0];
    EXPECT_EQ(before.in_magazines, 0U);
    hold.release();
    auto const fed = s.pool.stats().classes[0];
    EXPECT_EQ(fed.in_use, 0U);
    EXPECT_EQ(fed.in_magazines, 1U);
    scope& next = s.open();
    inside(next, [&] { static_cast<void>(next.arena().allocate(100)); });
    auto const after = s.pool.stats().classes[0];
    EXPECT_EQ(after.from_magazine, before.from_magazine + 1) << "the very page";
    EXPECT_EQ(after.from_depot, before.from_depot);
    EXPECT_EQ(after.made, before.made);
    next.close();
  });
}

TEST(ScopeHold, OnlyTheLastOfSeveralEndsTheScope) {
  test::scopes s;
  bool ended = false;
  scope& opened = s.open();
  inside(opened, [&] { opened.make<test::farewell>([&] { ended = true; }); });
  scope_hold first = inside(opened, [&] { return opened.hold(); });
  scope_hold second = first->hold();
  opened.close();
  first.release();
  EXPECT_FALSE(ended);
  scope_hold third = second->hold();
  second.release();
  EXPECT_FALSE(ended);
  third.release();
  EXPECT_TRUE(ended);
}

TEST(ScopeHold, GivenUpBeforeCloseEndsNothing) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] { opened.hold().release(); });
  EXPECT_TRUE(s.registry.find(opened.id()));
  EXPECT_EQ(opened.phase(), scope_phase::running);
  scope_id const id = opened.id();
  opened.close();
  EXPECT_FALSE(s.registry.find(id));
}

TEST(ScopeHold, AHeldScopeIsClosedOnce) {
  test::scopes s;
  scope& opened = s.open();
  scope_hold const hold = inside(opened, [&] { return opened.hold(); });
  EXPECT_TRUE(s.registry.close(opened.id()));
  EXPECT_FALSE(s.registry.close(opened.id()));
  EXPECT_TRUE(s.registry.find(opened.id()));
  EXPECT_TRUE(s.registry.request_cancel(opened.id())) << "whoever holds it may still be told to stop";
  EXPECT_TRUE(opened.stop_requested());
}

TEST(ScopeHold, MayGoOnAllocatingInTheScopeOnItsOwnThread) {
  test::scopes s;
  scope& opened = s.open();
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  opened.close();
  elsewhere([&] {
    inside(hold.get(), [&] { EXPECT_EQ(s.pool.owner_of(hold->arena().allocate(8)), hold->id().bits()); });
    hold.release();
  });
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(ScopeHold, ThatIsAssignedToGivesUpWhatItHadAtOnce) {
  test::scopes s;
  scope& a = s.open();
  scope& b = s.open();
  scope_id const id_a = a.id();
  scope_hold hold_a = inside(a, [&] { return a.hold(); });
  scope_hold hold_b = inside(b, [&] { return b.hold(); });
  a.close();
  b.close();
  hold_a = std::move(hold_b);
  EXPECT_FALSE(s.registry.find(id_a));
  EXPECT_FALSE(hold_b);  // NOLINT(bugprone-use-after-move): what a moved-from one says is the point
  EXPECT_EQ(&hold_a.get(), &b);
  EXPECT_TRUE(s.registry.find(b.id()));
  scope_hold& same = hold_a;
  hold_a = std::move(same);
  EXPECT_TRUE(s.registry.find(b.id())) << "assigned to itself it keeps what it has";
}

TEST(ScopeHold, OfAPinnedScopeLeavesTheTearDownToTheLastPin) {
  test::scopes s;
  bool ended = false;
  scope& opened = s.open();
  scope_id const id = opened.id();
  inside(opened, [&] { opened.make<test::farewell>([&] { ended = true; }); });
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  scope_pin pin = s.registry.pin(id);
  opened.close();
  hold.release();
  EXPECT_FALSE(s.registry.find(id));
  EXPECT_FALSE(ended);
  pin = {};
  EXPECT_TRUE(ended);
}

TEST(ScopeHold, ReleasedTwiceOrEmptyDoesNothing) {
  test::scopes s;
  scope_hold empty;
  empty.release();
  EXPECT_FALSE(empty);
  scope& opened = s.open();
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  hold.release();
  hold.release();
  EXPECT_TRUE(s.registry.find(opened.id()));
  opened.close();
}

}  // namespace
}  // namespace mayfly
