#include "support.hpp"
#include <mayfly/effect_handler.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace mayfly {
namespace {

using test::elsewhere;
using test::refused;

TEST(EffectHandler, GivesEveryHandlerInvocationAnArenaOfItsOwn) {
  test::scopes s;
  scope_stack scopes{s.registry};
  scope_id const first = scopes.enter_request_scope();
  void const* const of_first = current_scope()->arena().allocate(8);
  scope_id const second = scopes.enter_request_scope();
  void const* const of_second = current_scope()->arena().allocate(8);
  EXPECT_EQ(s.pool.owner_of(of_first), first.bits());
  EXPECT_EQ(s.pool.owner_of(of_second), second.bits());
  EXPECT_EQ(s.pages_in_use(), 2U);
  scopes.exit_request_scope(second);
  EXPECT_EQ(s.pages_in_use(), 1U);
  scopes.exit_request_scope(first);
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(EffectHandler, TakesNoPageUntilTheFirstAllocation) {
  test::scopes s;
  scope_stack scopes{s.registry};
  scope_id const id = scopes.enter_request_scope();
  EXPECT_EQ(s.pages_in_use(), 0U);
  static_cast<void>(current_scope()->arena().allocate(1));
  EXPECT_EQ(s.pages_in_use(), 1U);
  scopes.exit_request_scope(id);
}

TEST(EffectHandler, PagesOfAScopeChainAndAllGoAtExit) {
  test::scopes s;
  scope_stack scopes{s.registry};
  scope_id const id = scopes.enter_request_scope();
  for (int i = 0; i < 1'000; ++i) static_cast<void>(current_scope()->arena().allocate(500));
  EXPECT_GT(s.pages_in_use(), 3U);
  scopes.exit_request_scope(id);
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(EffectHandler, ScopesNestAndTheInnermostIsTheActiveOne) {
  test::scopes s;
  scope_stack scopes{s.registry};
  EXPECT_EQ(scopes.active(), nullptr);
  std::vector<scope_id> ids;
  for (std::size_t depth = 1; depth <= 20; ++depth) {
    ids.push_back(scopes.enter_request_scope());
    EXPECT_EQ(scopes.depth(), depth);
    ASSERT_NE(scopes.active(), nullptr);
    EXPECT_EQ(scopes.active()->id(), ids.back());
    EXPECT_EQ(current_scope(), scopes.active());
  }
  while (!ids.empty()) {
    EXPECT_EQ(current_scope()->id(), ids.back());
    scopes.exit_request_scope(ids.back());
    ids.pop_back();
  }
  EXPECT_EQ(scopes.active(), nullptr);
  EXPECT_EQ(current_scope(), nullptr);
}

TEST(EffectHandler, GivesNoIdTwice) {
  test::scopes s{2};
  std::set<scope_id> seen;
  scope_stack first{s.registry};
  auto const second = first.spawn_for_worker();
  for (int i = 0; i < 200; ++i) {
    for (effect_handler* handler : {static_cast<effect_handler*>(&first), second.get()}) {
      scope_id const id = handler->enter_request_scope();
      EXPECT_TRUE(id);
      EXPECT_TRUE(seen.insert(id).second);
      handler->exit_request_scope(id);
    }
  }
}

TEST(EffectHandler, ExitWithAnUnknownIdDoesNothing) {
  test::scopes s;
  test::scopes others;
  scope_stack scopes{s.registry};
  scope_id const ended = scopes.enter_request_scope();
  scopes.exit_request_scope(ended);
  scope_id const open = scopes.enter_request_scope();
  scope& foreign = others.open();
  scope& not_entered = s.open();
  for (scope_id const unknown : {scope_id{}, ended, foreign.id(), not_entered.id(), scope_id::from_bits(~0ULL)}) {
    scopes.exit_request_scope(unknown);
    EXPECT_EQ(scopes.depth(), 1U);
    EXPECT_EQ(current_scope()->id(), open);
    EXPECT_TRUE(s.registry.find(open));
  }
  EXPECT_TRUE(others.registry.find(foreign.id()));
  EXPECT_TRUE(s.registry.find(not_entered.id())) << "an open scope that was not entered here is unknown here";
  foreign.close();
  not_entered.close();
}

TEST(EffectHandler, ExitOfAnOuterScopeClosesTheInnerOnesToo) {
  test::scopes s;
  scope_stack scopes{s.registry};
  scope_id const outermost = scopes.enter_request_scope();
  std::vector<scope_id> inner;
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    inner.push_back(scopes.enter_request_scope());
    current_scope()->make<test::farewell>([&order, i] { order.push_back(i); });
  }
  scopes.exit_request_scope(inner[0]);
  EXPECT_EQ(order, (std::vector<int>{2, 1, 0})) << "innermost first";
  for (scope_id const id : inner) EXPECT_TRUE(refused(s.registry, id));
  EXPECT_EQ(scopes.depth(), 1U);
  EXPECT_EQ(current_scope()->id(), outermost);
  scopes.exit_request_scope(inner[2]);
  EXPECT_EQ(scopes.depth(), 1U) << "the late exit of an inner scope does nothing";
  scopes.exit_request_scope(outermost);
  EXPECT_EQ(s.registry.live(), 0U);
}

TEST(EffectHandler, AWorkersHandlerStartsWithNoScopeOfItsSpawners) {
  test::scopes s;
  scope_stack spawner{s.registry, {.route = "spawner's"}};
  scope_id const of_spawner = spawner.enter_request_scope();
  auto const for_worker = spawner.spawn_for_worker();
  elsewhere([&] {
    auto& worker = dynamic_cast<scope_stack&>(*for_worker);
    EXPECT_EQ(worker.depth(), 0U);
    EXPECT_EQ(worker.active(), nullptr);
    EXPECT_EQ(current_scope(), nullptr);
    worker.exit_request_scope(of_spawner);
    EXPECT_TRUE(s.registry.find(of_spawner)) << "the spawner's scope is none of the worker's";
    scope_id const own = worker.enter_request_scope();
    EXPECT_NE(own, of_spawner);
    EXPECT_EQ(current_scope()->id(), own);
    EXPECT_EQ(s.registry.find(own)->route, "spawner's") << "options are inherited, scopes are not";
    worker.exit_request_scope(own);
    EXPECT_EQ(current_scope(), nullptr);
  });
  EXPECT_EQ(current_scope()->id(), of_spawner);
  spawner.exit_request_scope(of_spawner);
}

TEST(EffectHandler, OutlivesItsSpawner) {
  test::scopes s;
  std::unique_ptr<effect_handler> worker;
  {
    scope_stack spawner{s.registry};
    static_cast<void>(spawner.enter_request_scope());
    worker = spawner.spawn_for_worker();
  }
  scope_id const id = worker->enter_request_scope();
  EXPECT_TRUE(s.registry.find(id));
  worker->exit_request_scope(id);
}

TEST(EffectHandler, ClosesWhatIsStillOpenWhenItEnds) {
  test::scopes s;
  {
    scope_stack scopes{s.registry};
    static_cast<void>(scopes.enter_request_scope());
    static_cast<void>(scopes.enter_request_scope());
    EXPECT_EQ(s.registry.live(), 2U);
  }
  EXPECT_EQ(s.registry.live(), 0U);
  EXPECT_EQ(current_scope(), nullptr);
}

TEST(EffectHandler, GivesNoScopeWhereTheRegistryIsFull) {
  test::scopes s{1};
  scope_stack scopes{s.registry};
  scope_id const only = scopes.enter_request_scope();
  scope_id const none = scopes.enter_request_scope();
  EXPECT_FALSE(none);
  EXPECT_EQ(scopes.depth(), 1U);
  EXPECT_EQ(current_scope()->id(), only);
  scopes.exit_request_scope(none);
  EXPECT_EQ(scopes.depth(), 1U);
  scopes.exit_request_scope(only);
}

TEST(EffectHandler, MixesWithEntriesOfOtherScopes) {
  test::scopes s;
  scope& around = s.open();
  scope_stack scopes{s.registry};
  {
    scope_entry const entered{around};
    scope_id const id = scopes.enter_request_scope();
    {
      scope_entry const again{around};
      EXPECT_EQ(current_scope(), &around);
    }
    EXPECT_EQ(current_scope()->id(), id);
    scopes.exit_request_scope(id);
    EXPECT_EQ(current_scope(), &around);
  }
  EXPECT_EQ(current_scope(), nullptr);
  around.close();
}

TEST(EffectHandler, AMismatchedExitUnderAnEntryBringsNoEndedScopeBack) {
  test::scopes s;
  scope_stack scopes{s.registry};
  scope& other = s.open();
  scope_id const id = scopes.enter_request_scope();
  scope* const ended = scopes.active();
  {
    scope_entry const on_top{other};
    scopes.exit_request_scope(id);
    EXPECT_EQ(current_scope(), &other) << "the entry on top goes on";
  }
  EXPECT_EQ(current_scope(), nullptr);
  scope& tenant = s.open();
  ASSERT_EQ(&tenant, ended);
  EXPECT_THROW(static_cast<void>(tenant.arena()), scope_mismatch);
  tenant.close();
  other.close();
}

TEST(EffectHandler, AnEntryThatEndsUnderAnOpenScopeIsNotComeBackTo) {
  test::scopes s;
  scope_stack scopes{s.registry};
  scope& below = s.open();
  scope_id id;
  {
    scope_entry const entered{below};
    id = scopes.enter_request_scope();
  }
  EXPECT_EQ(current_scope(), nullptr);
  scopes.exit_request_scope(id);
  EXPECT_EQ(current_scope(), nullptr) << "the entry has ended, whatever was current when the scope was entered";
  below.close();
}

}  // namespace
}  // namespace mayfly
