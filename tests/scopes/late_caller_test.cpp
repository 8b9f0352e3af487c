// What a scope answers that is entered, or asked for memory through its arena, when it is gone; and what a report says
// of a tenancy that is over.

#include "support.hpp"
#include <mayfly/detail/tenancy_report.hpp>
#include <mayfly/detail/thread_id.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>

#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace mayfly {
namespace {

using test::elsewhere;
using test::inside;

class LateCaller : public testing::Test {
 protected:
  LateCaller() { set_escape_handler(&LateCaller::hear, this); }
  ~LateCaller() override { set_escape_handler(nullptr, nullptr); }

  /// What was heard since the last call, if that is one report.
  [[nodiscard]] escape_report only_report() {
    std::scoped_lock const lock{mutex_};
    auto const all = std::exchange(heard_, {});
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? escape_report{} : all[0];
  }
  [[nodiscard]] bool heard_nothing() {
    std::scoped_lock const lock{mutex_};
    return heard_.empty();
  }

  test::scopes s{1};  // one slot: the next scope is its next tenant

 private:
  static void hear(escape_report const& report, void* user) noexcept {
    auto& self = *static_cast<LateCaller*>(user);
    std::scoped_lock const lock{self.mutex_};
    self.heard_.push_back(report);
  }

  std::mutex mutex_;
  std::vector<escape_report> heard_;
};

// ---- entries

TEST_F(LateCaller, EntersTheScopeThatItMeansWhileThatLives) {
  scope& opened = s.open();
  {
    scope_entry const here{opened, opened.id()};
    EXPECT_EQ(current_scope(), &opened);
    EXPECT_NE(opened.arena().allocate(8), nullptr);
  }
  EXPECT_EQ(current_scope(), nullptr);
  scope_hold held = inside(opened, [&] { return opened.hold(); });
  scope_id const id = opened.id();
  opened.close();
  EXPECT_NO_THROW((scope_entry{opened, id})) << "a hold keeps it";
  held.release();
  EXPECT_TRUE(heard_nothing());
}

TEST_F(LateCaller, DoesNotEnterASlotWhoseScopeHasEndedNorItsNextTenant) {
  scope& opened = s.open("the first");
  scope_id const id = opened.id();
  auto const when = opened.opened();
  opened.close();
  EXPECT_THROW((scope_entry{opened, id}), scope_gone);
  auto report = only_report();
  EXPECT_EQ(report.rule, escape_rule::late_call);
  EXPECT_EQ(report.scope, id);
  EXPECT_EQ(report.route, "the first");
  EXPECT_EQ(report.opened, when);
  scope& next = s.open("the next");
  ASSERT_EQ(&next, &opened);
  inside(next, [&] {
    try {
      scope_entry const here{opened, id};
      ADD_FAILURE() << "it entered another's scope";
    } catch (scope_gone const& gone) {
      EXPECT_EQ(gone.id(), id);
      EXPECT_EQ(gone.rule(), escape_rule::late_call);
      EXPECT_NE(std::string{gone.what()}.find("MF-E23"), std::string::npos) << gone.what();
      EXPECT_NE(std::string{gone.what()}.find(to_string(id)), std::string::npos) << gone.what();
    }
    EXPECT_EQ(current_scope(), &next) << "where it was";
  });
  report = only_report();
  EXPECT_EQ(report.scope, id);
  EXPECT_EQ(report.route, "") << "that is the tenant's";
  next.close();
}

TEST_F(LateCaller, MayEnterFromADestructorThatRunsAtTheEnd) {
  scope& opened = s.open();
  scope_id const id = opened.id();
  bool entered = false;
  inside(opened, [&] {
    opened.make<test::farewell>([&] {
      scope_entry const here{opened, id};
      entered = opened.arena().allocate(8) != nullptr;
    });
  });
  opened.close();
  EXPECT_TRUE(entered);
  EXPECT_TRUE(heard_nothing());
}

// ---- arenas

TEST_F(LateCaller, AClosedArenaReportsAndGivesNoMemory) {
  scope& opened = s.open("the first");
  scope_id const id = opened.id();
  arena& kept = opened.main_arena();
  ASSERT_NE(kept.allocate(8), nullptr);
  opened.close();
  try {
    static_cast<void>(kept.allocate(24));
    ADD_FAILURE() << "it gave memory";
  } catch (scope_gone const& gone) {
    EXPECT_EQ(gone.id(), id);
    EXPECT_EQ(gone.rule(), escape_rule::late_allocate);
  }
  auto const report = only_report();
  EXPECT_EQ(report.rule, escape_rule::late_allocate);
  EXPECT_EQ(report.scope, id);
  EXPECT_EQ(report.route, "the first");
  EXPECT_EQ(report.allocation_bytes, 24U);
  EXPECT_NE(report.closed_thread, 0);
  for (std::size_t bytes : {std::size_t{1}, std::size_t{100'000}, std::size_t{100'000'000}, ~std::size_t{0}}) {
    EXPECT_EQ(kept.try_allocate(bytes), nullptr);
    EXPECT_EQ(only_report().allocation_bytes, bytes) << "small, large, of its own block, and more than there is";
  }
  EXPECT_THROW(static_cast<void>(kept.make<std::string>("late")), scope_gone);
  EXPECT_EQ(only_report().rule, escape_rule::late_allocate);
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST_F(LateCaller, TheArenaOfTheNextTenantIsOpen) {
  scope& opened = s.open();
  arena const* const kept = &opened.main_arena();
  opened.close();
  scope& next = s.open();
  ASSERT_EQ(&next.main_arena(), kept);
  EXPECT_NE(inside(next, [&] { return next.arena().allocate(8); }), nullptr);
  EXPECT_EQ(next.main_arena().budget()->used(), next.reserved_bytes());
  next.close();
  EXPECT_TRUE(heard_nothing());
}

// ---- what is known of a tenancy

TEST_F(LateCaller, IsToldWhoClosedTheScope) {
  scope& opened = s.open();
  auto* const resource = opened.memory();
  std::int32_t closer = 0;
  elsewhere([&] {
    closer = detail::this_thread_id();
    opened.close();
  });
  EXPECT_THROW(static_cast<void>(resource->allocate(8)), scope_gone);
  auto const report = only_report();
  EXPECT_EQ(report.opened_thread, detail::this_thread_id());
  EXPECT_EQ(report.closed_thread, closer);
  EXPECT_EQ(report.closed, scope_clock::time_point::min()) << "nobody has looked at a clock";
}

TEST_F(LateCaller, OfAScopeThatIsThereNobodyIsNamedAsItsCloser) {
  s.open().close();
  scope& opened = s.open("here");
  escape_report report;
  detail::tenancy_report::complete(opened, opened.id().generation(), report);
  EXPECT_EQ(report.scope, opened.id());
  EXPECT_EQ(report.route, "here");
  EXPECT_EQ(report.closed_thread, 0);
  opened.close();
}

}  // namespace
}  // namespace mayfly
