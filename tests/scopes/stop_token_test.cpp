#include "support.hpp"
#include <mayfly/stop_token.hpp>

#include <gtest/gtest.h>

namespace mayfly {
namespace {

using test::elsewhere;

TEST(StopToken, OfNoScopeNeverAsksToStop) { EXPECT_FALSE(stop_token{}.stop_requested()); }

TEST(StopToken, AsksToStopOnceItsScopeIsCancelledFromAnyThread) {
  test::scopes s;
  scope& opened = s.open();
  stop_token const token = opened.token();
  EXPECT_FALSE(token.stop_requested());
  EXPECT_FALSE(opened.stop_requested());
  elsewhere([&] { EXPECT_TRUE(s.registry.request_cancel(opened.id())); });
  EXPECT_TRUE(token.stop_requested());
  EXPECT_TRUE(opened.stop_requested());
  opened.close();
}

TEST(StopToken, AsksToStopForEverOnceItsScopeHasEnded) {
  test::scopes s{1};
  stop_token token;
  {
    scope& opened = s.open();
    token = opened.token();
    opened.close();
  }
  EXPECT_TRUE(token.stop_requested());
  scope& next = s.open();
  EXPECT_TRUE(token.stop_requested()) << "the slot's next tenant is none of its business";
  next.close();
  EXPECT_TRUE(token.stop_requested());
}

TEST(StopToken, OfTheNextTenantIsNotStoppedByThePreviousOnesCancel) {
  test::scopes s{1};
  scope& first = s.open();
  ASSERT_TRUE(s.registry.request_cancel(first.id()));
  first.close();
  scope& second = s.open();
  EXPECT_FALSE(second.token().stop_requested());
  EXPECT_FALSE(second.stop_requested());
  second.close();
}

TEST(StopToken, AsksToStopWhileItsEndedScopeIsStillPinned) {
  test::scopes s;
  scope& opened = s.open();
  stop_token const token = opened.token();
  scope_pin const pinned = s.registry.pin(opened.id());
  opened.close();
  EXPECT_TRUE(token.stop_requested());
}

TEST(StopToken, OfARetiredSlotAsksToStop) {
  test::scopes s{1, scope_id::largest_generation};
  scope& last = s.open();
  stop_token const token = last.token();
  last.close();
  EXPECT_TRUE(token.stop_requested());
}

}  // namespace
}  // namespace mayfly
