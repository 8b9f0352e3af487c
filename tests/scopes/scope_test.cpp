#include "support.hpp"
#include <mayfly/scope.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory_resource>
#include <string>
#include <vector>

namespace mayfly {
namespace {

using test::elsewhere;
using test::inside;
using ::testing::Each;
using ::testing::ElementsAre;

// ---- one arena for each

TEST(Scope, EachHasAnArenaOfItsOwn) {
  test::scopes s;
  scope& a = s.open();
  scope& b = s.open();
  void const* const of_a = inside(a, [&] { return a.arena().allocate(100); });
  void const* const of_b = inside(b, [&] { return b.arena().allocate(100); });
  EXPECT_EQ(s.pool.owner_of(of_a), a.id().bits());
  EXPECT_EQ(s.pool.owner_of(of_b), b.id().bits());
  a.close();
  EXPECT_EQ(s.pool.owner_of(of_a), 0U);
  EXPECT_EQ(s.pool.owner_of(of_b), b.id().bits());
  b.close();
}

TEST(Scope, HasNoPageUntilTheFirstAllocation) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] {
    EXPECT_EQ(opened.arena().usage().page_count(), 0U);
    EXPECT_EQ(s.pages_in_use(), 0U);
    static_cast<void>(opened.arena().allocate(1));
    EXPECT_EQ(opened.arena().usage().page_count(), 1U);
    EXPECT_EQ(s.pages_in_use(), 1U);
    EXPECT_EQ(opened.reserved_bytes(), s.pool.class_bytes(0));
  });
  opened.close();
  scope& empty = s.open();
  empty.close();
  EXPECT_EQ(s.pool.stats().classes[0].made, 1U);
}

TEST(Scope, ChainsPagesAndAllOfThemGoAtItsEnd) {
  constexpr std::size_t piece = 1'000;
  constexpr std::size_t pieces = 300;
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] {
    std::vector<std::string_view> written;
    for (std::size_t i = 0; i < pieces; ++i) {
      written.push_back(opened.arena().copy(std::string(piece, static_cast<char>('a' + i % 26))));
    }
    for (std::size_t i = 0; i < pieces; ++i) EXPECT_THAT(written[i], Each(static_cast<char>('a' + i % 26)));
  });
  EXPECT_GT(opened.usage().page_count(), 2U);
  EXPECT_GE(opened.reserved_bytes(), piece * pieces);
  opened.close();
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(Scope, StartsWithThePageClassItIsOpenedFor) {
  test::scopes s;
  scope* const opened = s.registry.open({.first_class = 1});
  ASSERT_NE(opened, nullptr);
  inside(*opened, [&] { static_cast<void>(opened->arena().allocate(1)); });
  EXPECT_EQ(opened->reserved_bytes(), s.pool.class_bytes(1));
  opened->close();
}

TEST(Scope, RefusesMemoryBeyondItsByteBudgetAndTheNextTenantHasItsOwn) {
  test::scopes s{1};
  scope* const poor = s.registry.open({.byte_budget = 2 * s.pool.class_bytes(0)});
  ASSERT_NE(poor, nullptr);
  inside(*poor, [&] {
    static_cast<void>(poor->arena().allocate(s.pool.class_bytes(0) / 2));
    static_cast<void>(poor->arena().allocate(s.pool.class_bytes(0) - 2'048));
    try {
      static_cast<void>(poor->arena().allocate(s.pool.class_bytes(0) - 2'048));
      ADD_FAILURE() << "a third page is over the budget";
    } catch (allocation_error const& error) {
      EXPECT_EQ(error.reason(), refusal::byte_budget);
      EXPECT_EQ(error.limit(), 2 * s.pool.class_bytes(0));
    }
  });
  EXPECT_EQ(poor->reserved_bytes(), 2 * s.pool.class_bytes(0));
  poor->close();
  scope& rich = s.open();
  EXPECT_EQ(rich.reserved_bytes(), 0U);
  inside(rich, [&] { EXPECT_NE(rich.arena().try_allocate(10 * s.pool.class_bytes(0)), nullptr); });
  rich.close();
}

// ---- destructors

TEST(Scope, RunsDestructorsLastMadeFirstBeforeAnyPageGoes) {
  test::scopes s;
  scope& opened = s.open();
  scope_id const id = opened.id();
  std::vector<int> order;
  std::vector<std::uint64_t> owners;
  inside(opened, [&] {
    int const* const first = opened.make<int>(1);
    static_cast<void>(opened.arena().allocate(100'000));
    for (int i = 0; i < 3; ++i) {
      opened.make<test::farewell>([&, first, i] {
        order.push_back(i);
        owners.push_back(s.pool.owner_of(first));
      });
    }
  });
  opened.close();
  EXPECT_THAT(order, ElementsAre(2, 1, 0));
  EXPECT_THAT(owners, Each(id.bits()));
}

TEST(Scope, ItsDestructorsRunInsideItAndMayAllocateInIt) {
  test::scopes s;
  scope& opened = s.open();
  std::vector<std::string> said;
  inside(opened, [&] {
    opened.make<test::farewell>([&] {
      EXPECT_EQ(current_scope(), &opened);
      std::pmr::string const made{std::string(100, 'x'), opened.memory()};
      EXPECT_EQ(s.pool.owner_of(made.data()), opened.id().bits());
      opened.make<test::farewell>([&] { said.emplace_back("made by a destructor"); });
      said.emplace_back("first");
    });
  });
  opened.close();
  EXPECT_THAT(said, ElementsAre("first", "made by a destructor"));
  EXPECT_EQ(current_scope(), nullptr);
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(Scope, ADestructorMayEndAnotherScopeAndComesBackToItsOwn) {
  test::scopes s;
  scope& outer = s.open();
  scope& other = s.open();
  int ended = 0;
  inside(other, [&] { other.make<test::farewell>([&] { ++ended; }); });
  inside(outer, [&] {
    outer.make<test::farewell>([&] {
      inside(other, [&] { EXPECT_EQ(current_scope(), &other); });
      EXPECT_EQ(current_scope(), &outer) << "it is still being ended by this thread";
      inside(outer, [&] {
        other.close();
        EXPECT_EQ(current_scope(), &outer) << "also in an entry of its own";
        static_cast<void>(outer.arena().allocate(8));
      });
      EXPECT_EQ(current_scope(), &outer);
      static_cast<void>(outer.arena().allocate(8));
    });
  });
  outer.close();
  EXPECT_EQ(ended, 1);
}

TEST(Scope, EndsOnWhicheverThreadClosesIt) {
  test::scopes s;
  scope& opened = s.open();
  std::thread::id ended_on;
  inside(opened, [&] { opened.make<test::farewell>([&] { ended_on = std::this_thread::get_id(); }); });
  std::thread::id closer;
  elsewhere([&] {
    closer = std::this_thread::get_id();
    opened.close();
  });
  EXPECT_EQ(ended_on, closer);
}

// ---- memory only inside

TEST(Scope, MemoryAskedOutsideItThrowsScopeMismatch) {
  test::scopes s;
  scope& opened = s.open();
  EXPECT_THROW(static_cast<void>(opened.arena()), scope_mismatch);
  EXPECT_THROW(static_cast<void>(opened.memory()->allocate(8)), scope_mismatch);
  EXPECT_THROW(static_cast<void>(opened.make<int>(1)), scope_mismatch);
  std::pmr::vector<int> numbers{opened.memory()};
  EXPECT_THROW(numbers.push_back(1), scope_mismatch);
  EXPECT_EQ(s.pages_in_use(), 0U);
  opened.close();
}

TEST(Scope, MemoryAskedInsideAnotherScopeThrowsScopeMismatchThatNamesBoth) {
  test::scopes s;
  scope& wanted = s.open();
  scope& active = s.open();
  inside(active, [&] {
    try {
      static_cast<void>(wanted.arena());
      ADD_FAILURE();
    } catch (scope_mismatch const& mismatch) {
      EXPECT_THAT(mismatch.what(), ::testing::HasSubstr(to_string(wanted.id())));
      EXPECT_THAT(mismatch.what(), ::testing::HasSubstr(to_string(active.id())));
    }
    EXPECT_THROW(static_cast<void>(wanted.memory()->allocate(8)), scope_mismatch);
  });
  wanted.close();
  active.close();
}

TEST(Scope, MemoryAskedOnAThreadThatDidNotEnterThrowsScopeMismatch) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] {
    elsewhere([&] {
      EXPECT_EQ(current_scope(), nullptr);
      EXPECT_THROW(static_cast<void>(opened.arena()), scope_mismatch);
    });
  });
  opened.close();
}

TEST(Scope, GivesBackWhatAPmrContainerReturnsLast) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] {
    auto* const memory = opened.memory();
    void* const first = memory->allocate(64);
    memory->deallocate(first, 64);
    EXPECT_EQ(memory->allocate(64), first);
    EXPECT_TRUE(memory->is_equal(*opened.memory()));
    EXPECT_FALSE(memory->is_equal(*std::pmr::get_default_resource()));
  });
  opened.close();
}

// ---- the current scope

TEST(ScopeEntry, SavesAndRestoresTheCurrentScope) {
  test::scopes s;
  scope& a = s.open();
  scope& b = s.open();
  EXPECT_EQ(current_scope(), nullptr);
  {
    scope_entry const in_a{a};
    arena* const lane = &a.arena();
    {
      scope_entry const in_b{b, b.main_arena()};
      EXPECT_EQ(current_scope(), &b);
      EXPECT_EQ(&b.arena(), &b.main_arena());
      {
        scope_exemption const out;
        EXPECT_EQ(current_scope(), nullptr);
        EXPECT_THROW(static_cast<void>(b.arena()), scope_mismatch);
      }
      EXPECT_EQ(current_scope(), &b);
    }
    EXPECT_EQ(current_scope(), &a);
    EXPECT_EQ(&a.arena(), lane);
  }
  EXPECT_EQ(current_scope(), nullptr);
  a.close();
  b.close();
}

TEST(ScopeEntry, RestoresWhenABodyThrows) {
  test::scopes s;
  scope& opened = s.open();
  EXPECT_THROW(inside(opened, [] { throw 1; }), int);
  EXPECT_EQ(current_scope(), nullptr);
  opened.close();
}

TEST(ScopeEntry, FindsTheArenaOfTheOpenerWithoutBeingHandedIt) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] { EXPECT_EQ(&opened.arena(), &opened.main_arena()); });
  EXPECT_EQ(opened.lane_count(), 0U);
  opened.close();
}

TEST(ScopeEntry, ComesBackToNothingWhereTheScopeBelowHasEndedMeanwhile) {
  test::scopes s;
  scope& below = s.open();
  scope& above = s.open();
  {
    scope_entry const in_below{below};
    {
      scope_entry const in_above{above};
      below.close();  // a mistake, but one that must not give its next tenant's memory away
      EXPECT_EQ(current_scope(), &above);
    }
    EXPECT_EQ(current_scope(), nullptr);
    scope& tenant = s.open();
    ASSERT_EQ(&tenant, &below) << "the slot is warm";
    EXPECT_THROW(static_cast<void>(tenant.arena()), scope_mismatch);
    tenant.close();
  }
  above.close();
}

TEST(ScopeEntry, OfAScopeThatIsClosedInsideItLeavesNoCurrentScope) {
  test::scopes s;
  scope& opened = s.open();
  scope_entry const entered{opened};
  opened.close();
  EXPECT_EQ(current_scope(), nullptr);
  scope& tenant = s.open();
  ASSERT_EQ(&tenant, &opened);
  EXPECT_THROW(static_cast<void>(tenant.arena()), scope_mismatch);
  tenant.close();
}

TEST(ScopeEntry, ComesBackToNothingWhereTheScopeBelowHasEndedButIsPinned) {
  test::scopes s;
  scope& below = s.open();
  scope& above = s.open();
  scope_entry const in_below{below};
  scope_pin const pinned = s.registry.pin(below.id());
  {
    scope_entry const in_above{above};
    below.close();
  }
  EXPECT_EQ(current_scope(), nullptr);
  above.close();
}

// ---- taking over

TEST(Scope, AnAdopterGoesOnInTheArenaInsideTheScope) {
  test::scopes s;
  scope& opened = s.open();
  void const* const written = opened.main_arena().allocate(64);
  elsewhere([&] {
    opened.adopt();
    inside(opened, [&] {
      EXPECT_EQ(&opened.arena(), &opened.main_arena());
      EXPECT_EQ(s.pool.owner_of(opened.arena().allocate(64)), s.pool.owner_of(written));
    });
    EXPECT_EQ(opened.lane_count(), 0U);
    EXPECT_EQ(opened.usage().page_count(), 1U);
    opened.close();
  });
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(Scope, TheOpenerOfAnAdoptedScopeMakesALaneLikeAnyOther) {
  test::scopes s;
  scope& opened = s.open();
  elsewhere([&] { opened.adopt(); });
  inside(opened, [&] { EXPECT_NE(&opened.arena(), &opened.main_arena()); });
  EXPECT_EQ(opened.lane_count(), 1U);
  opened.close();
}

// ---- phases

TEST(Scope, SaysInWhichPhaseItIs) {
  test::scopes s;
  scope* const opened = s.registry.open({.phase = scope_phase::queued});
  ASSERT_NE(opened, nullptr);
  EXPECT_EQ(opened->phase(), scope_phase::queued);
  for (auto const phase : {scope_phase::running, scope_phase::completing, scope_phase::held}) {
    opened->set_phase(phase);
    EXPECT_EQ(opened->phase(), phase);
    EXPECT_EQ(s.registry.find(opened->id())->phase, phase);
  }
  opened->close();
}

TEST(ScopePhase, HasANameEach) {
  std::vector<std::string> names;
  for (auto const phase : {scope_phase::free, scope_phase::queued, scope_phase::running, scope_phase::completing,
                           scope_phase::held, scope_phase::closing}) {
    names.emplace_back(to_string(phase));
  }
  EXPECT_THAT(names, ElementsAre("free", "queued", "running", "completing", "held", "closing"));
  EXPECT_STREQ(to_string(static_cast<scope_phase>(99)), "unknown");
}

}  // namespace
}  // namespace mayfly
