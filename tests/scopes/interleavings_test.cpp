// Schedules that real time rarely produces, forced: one thread stalls at a named schedule point while others go on.
// They need a build with MAYFLY_SCHEDULE_POINTS and are skipped in any other.

#include "support.hpp"
#include <mayfly/schedule_point.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scoped_ref.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

namespace mayfly {
namespace {

using test::inside;
using test::refused;

struct stall {
  char const* step;
  std::latch reached{1};
  std::latch go_on{1};
};

thread_local stall* stalls_at = nullptr;

void stall_here(char const* step) noexcept {
  if (stalls_at == nullptr || std::strcmp(step, stalls_at->step) != 0) return;
  stall& mine = *std::exchange(stalls_at, nullptr);
  mine.reached.count_down();
  mine.go_on.wait();
}

class Interleaving : public ::testing::Test {
 protected:
  void SetUp() override {
#ifndef MAYFLY_SCHEDULE_POINTS
    GTEST_SKIP() << "built without MAYFLY_SCHEDULE_POINTS";
#endif
    set_schedule_hook(stall_here);
  }
  void TearDown() override { set_schedule_hook(nullptr); }

  /// `call` on another thread, which stalls when it first reaches `step`; `meanwhile` here; then `call` to its end.
  template <typename Call, typename Meanwhile>
  static void while_stalled(char const* step, Call call, Meanwhile meanwhile) {
    stall at{step};
    std::thread stalled{[&] {
      stalls_at = &at;
      call();
      EXPECT_EQ(std::exchange(stalls_at, nullptr), nullptr) << "never came to " << step;
    }};
    at.reached.wait();
    meanwhile();
    at.go_on.count_down();
    stalled.join();
  }

  test::scopes s{1};
};

// ---- a call that stalls while the slot gets another tenant

TEST_F(Interleaving, APinThatWasLateIsRefusedAndLeavesTheNextTenantUnpinned) {
  scope_id const id = s.open().id();
  scope* tenant = nullptr;
  while_stalled(
      "scope-pin", [&] { EXPECT_FALSE(s.registry.pin(id)); },
      [&] {
        s.registry.close(id);
        tenant = &s.open();
      });
  inside(*tenant, [&] { static_cast<void>(tenant->arena().allocate(8)); });
  tenant->close();
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST_F(Interleaving, ACancelThatWasLateIsRefusedAndDoesNotReachTheNextTenant) {
  scope_id const id = s.open().id();
  scope* tenant = nullptr;
  while_stalled(
      "scope-cancel", [&] { EXPECT_FALSE(s.registry.request_cancel(id)); },
      [&] {
        s.registry.close(id);
        tenant = &s.open();
      });
  EXPECT_FALSE(tenant->stop_requested());
  tenant->close();
}

TEST_F(Interleaving, AFindThatWasLateShowsNothingOfTheNextTenant) {
  scope_id const id = s.open("first").id();
  scope* tenant = nullptr;
  while_stalled(
      "scope-look", [&] { EXPECT_FALSE(s.registry.find(id)); },
      [&] {
        s.registry.close(id);
        tenant = &s.open("second");
      });
  tenant->close();
}

TEST_F(Interleaving, AFindThatSawTheScopeEndShowsNothing) {
  scope_id const id = s.open().id();
  while_stalled("scope-look", [&] { EXPECT_FALSE(s.registry.find(id)); }, [&] { s.registry.close(id); });
}

TEST_F(Interleaving, ACloseThatWasLateIsRefusedAndLeavesTheNextTenantOpen) {
  scope_id const id = s.open().id();
  scope* tenant = nullptr;
  while_stalled(
      "scope-close", [&] { EXPECT_FALSE(s.registry.close(id)); },
      [&] {
        EXPECT_TRUE(s.registry.close(id));
        tenant = &s.open();
      });
  EXPECT_TRUE(s.registry.find(tenant->id()));
  tenant->close();
}

// ---- ends that meet

TEST_F(Interleaving, OfTwoClosesOneIsTheClose) {
  scope& opened = s.open();
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  scope_id const id = opened.id();
  while_stalled("scope-close", [&] { EXPECT_FALSE(s.registry.close(id)); }, [&] { EXPECT_TRUE(s.registry.close(id)); });
  EXPECT_TRUE(s.registry.find(id)) << "the hold counts on";
  hold.release();
  EXPECT_TRUE(refused(s.registry, id));
}

TEST_F(Interleaving, APinTakenWhileTheScopeIsBeingClosedKeepsItsMemory) {
  scope& opened = s.open();
  inside(opened, [&] { static_cast<void>(opened.arena().allocate(8)); });
  scope_pin pin;
  while_stalled(
      "scope-close", [&] { opened.close(); },
      [&] {
        pin = s.registry.pin(opened.id());
        EXPECT_TRUE(pin);
      });
  EXPECT_EQ(s.pages_in_use(), 1U);
  pin = {};
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST_F(Interleaving, APinTakenWhileTheLastHoldGoesKeepsItsMemory) {
  scope& opened = s.open();
  inside(opened, [&] { static_cast<void>(opened.arena().allocate(8)); });
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  opened.close();
  scope_pin pin;
  while_stalled(
      "scope-end-life", [&] { hold.release(); },
      [&] {
        pin = s.registry.pin(opened.id());
        EXPECT_TRUE(pin);
      });
  EXPECT_EQ(s.pages_in_use(), 1U);
  pin = {};
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST_F(Interleaving, AnUnpinThatIsOvertakenByTheCloseTearsDown) {
  scope& opened = s.open();
  int ended = 0;
  inside(opened, [&] { opened.make<test::farewell>([&] { ++ended; }); });
  scope_pin pin = s.registry.pin(opened.id());
  while_stalled(
      "scope-unpin", [&] { pin = {}; },
      [&] {
        opened.close();
        EXPECT_EQ(ended, 0);
      });
  EXPECT_EQ(ended, 1);
}

TEST_F(Interleaving, ADroppedHoldThatIsOvertakenByTheCloseEndsTheScope) {
  scope& opened = s.open();
  int ended = 0;
  inside(opened, [&] { opened.make<test::farewell>([&] { ++ended; }); });
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  while_stalled(
      "scope-drop-hold", [&] { hold.release(); },
      [&] {
        opened.close();
        EXPECT_EQ(ended, 0);
      });
  EXPECT_EQ(ended, 1);
}

TEST_F(Interleaving, ACloseThatDropsItsPartBehindTheLastHoldEndsTheScope) {
  scope& opened = s.open();
  int ended = 0;
  inside(opened, [&] { opened.make<test::farewell>([&] { ++ended; }); });
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  while_stalled(
      "scope-drop-hold", [&] { opened.close(); },
      [&] {
        EXPECT_EQ(opened.phase(), scope_phase::held);
        hold.release();
        EXPECT_EQ(ended, 0);
      });
  EXPECT_EQ(ended, 1);
}

// ---- a pin through a ref that stalls while its page goes round

class RefInterleaving : public Interleaving {
 protected:
  scoped_ref<int> make(scope& in, int value) {
    return {in, *inside(in, [&] { return in.make<int>(value); })};
  }

  void TearDown() override {
    s.registry.close(first_id);
    Interleaving::TearDown();
  }

  scope& first = s.open();
  scope_id const first_id = first.id();
  scoped_ref<int> ref = make(first, 1);
};

TEST_F(RefInterleaving, APinThatStallsBeforeItLooksIsRefusedOnceThePageIsAnotherScopes) {
  scope* tenant = nullptr;
  while_stalled(
      "ref-look", [&] { EXPECT_FALSE(ref.pin()); },
      [&] {
        first.close();
        tenant = &s.open();
        EXPECT_EQ(*make(*tenant, 2).pin(), 2) << "the same page, handles made";
      });
  tenant->close();
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST_F(RefInterleaving, APinThatStallsBehindItsLookIsRefusedAndDoesNotPinTheSlotsNextTenant) {
  scope* tenant = nullptr;
  while_stalled(
      "ref-pin", [&] { EXPECT_FALSE(ref.pin()); },
      [&] {
        first.close();
        tenant = &s.open();
        EXPECT_EQ(*make(*tenant, 2).pin(), 2);
      });
  tenant->close();
  EXPECT_EQ(s.pages_in_use(), 0U) << "nobody pins the tenant";
}

TEST_F(RefInterleaving, APinThatStallsInItsExchangeIsRefusedAndLeavesTheNextTenantUnpinned) {
  scope* tenant = nullptr;
  while_stalled(
      "scope-pin", [&] { EXPECT_FALSE(ref.pin()); },
      [&] {
        first.close();
        tenant = &s.open();
        EXPECT_EQ(*make(*tenant, 2).get(), 2);
      });
  tenant->close();
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST_F(RefInterleaving, APinThatStallsWhileAnotherSlotsScopeTakesThePageIsRefused) {
  test::scopes two{2};
  scope& kept = two.open();
  auto const stale = make(kept, 1);
  scope& taker = two.open();
  while_stalled(
      "ref-pin", [&] { EXPECT_FALSE(stale.pin()); },
      [&] {
        kept.close();
        EXPECT_EQ(*make(taker, 2).get(), 2);
        EXPECT_EQ(two.pages_in_use(), 1U);
      });
  taker.close();
  EXPECT_EQ(two.pages_in_use(), 0U);
}

TEST_F(RefInterleaving, APinThatStallsWhileTheObjectIsRewoundIsRefused) {
  scoped_ref<std::byte> rewound;
  scope_entry const entered{first, first.main_arena()};
  auto const mark = first.arena().mark();
  rewound = {first, first.arena().make_span<std::byte>(16'384).front()};
  while_stalled("ref-pin", [&] { EXPECT_FALSE(rewound.pin()); }, [&] { first.arena().rewind(mark); });
  EXPECT_TRUE(ref.pin()) << "the scope lives, and the page before";
  EXPECT_EQ(rewound.get(), nullptr);
}

TEST_F(RefInterleaving, APinThatStallsIsRefusedAlsoWhenItsRegistryIsGoneMeanwhile) {
  auto gone = std::make_unique<test::scopes>(2);
  scope& opened = gone->open();
  auto const stale = make(opened, 1);
  std::unique_ptr<test::scopes> later;
  scope* tenant = nullptr;
  while_stalled(
      "ref-pin", [&] { EXPECT_FALSE(stale.pin()); },
      [&] {
        opened.close();
        gone.reset();
        later = std::make_unique<test::scopes>(2);
        tenant = &later->open();
        EXPECT_EQ(*make(*tenant, 2).pin(), 2);
      });
  tenant->close();
  EXPECT_EQ(later->pages_in_use(), 0U);
}

TEST_F(RefInterleaving, APinTakenWhileTheScopeIsBeingClosedKeepsTheObject) {
  pinned<int> looking;
  while_stalled("scope-close", [&] { first.close(); }, [&] { looking = ref.pin(); });
  ASSERT_TRUE(looking);
  EXPECT_EQ(*looking, 1);
  EXPECT_EQ(s.pages_in_use(), 1U);
  looking = {};
  EXPECT_EQ(s.pages_in_use(), 0U);
}

// ---- half opened, half ended

TEST_F(Interleaving, AScopeIsNotFoundUntilItIsAllThere) {
  scope_id const before = s.open("before").id();
  s.registry.close(before);
  scope_id const next{before.slot(), before.generation() + 1};
  scope* opened = nullptr;
  while_stalled(
      "scope-open", [&] { opened = &s.open("next"); },
      [&] {
        EXPECT_TRUE(refused(s.registry, next));
        EXPECT_EQ(s.registry.live(), 0U);
      });
  ASSERT_EQ(opened->id(), next);
  EXPECT_TRUE(s.registry.find(next));
  opened->close();
}

TEST_F(Interleaving, ASlotIsNotGivenAgainBeforeItsScopeIsAllGone) {
  scope& opened = s.open();
  scope_id const id = opened.id();
  while_stalled(
      "scope-give-slot", [&] { s.registry.close(id); },
      [&] {
        EXPECT_TRUE(refused(s.registry, id));
        EXPECT_EQ(s.registry.open({}), nullptr);
      });
  scope& next = s.open();
  EXPECT_NE(next.id(), id);
  next.close();
}

TEST_F(Interleaving, ALanePushedMeanwhileIsNotLost) {
  scope& opened = s.open();
  int ended = 0;
  auto const testify = [&] { inside(opened, [&] { opened.make<test::farewell>([&] { ++ended; }); }); };
  while_stalled("lane-push", testify, [&] { test::elsewhere(testify); });
  EXPECT_EQ(opened.lane_count(), 2U);
  opened.close();
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(s.pages_in_use(), 0U);
}

// ---- a registry that may go

TEST_F(Interleaving, ARegistryIsNotIdleWhileTheThreadThatDroppedTheLastHoldGivesTheSlotBack) {
  scope& opened = s.open();
  std::optional<scope_hold> last;
  inside(opened, [&] { last.emplace(opened.hold()); });
  opened.close();
  while_stalled(
      "front-deposit", [&] { last.reset(); },  // no page was taken: what comes home is the slot, which is free by then
      [&] {
        EXPECT_EQ(s.registry.unfinished(), 0U);
        EXPECT_FALSE(s.registry.idle());
      });
  EXPECT_TRUE(s.registry.idle());
}

}  // namespace
}  // namespace mayfly
