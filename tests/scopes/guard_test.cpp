// Which scopes are guarded, and what becomes of their memory. What a fault says: guard_fault_test.cpp.

#include "support.hpp"
#include <mayfly/detail/guard_choice.hpp>
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/guard.hpp>
#include <mayfly/scoped_ref.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace mayfly {
namespace {

struct Guard : testing::Test {
  /// Opens a scope, takes memory in it, and closes it. Returns the memory.
  static char* run_scope(scope_registry& registry, std::size_t bytes = 32, scope_id* id = nullptr) {
    scope* const opened = registry.open({.route = "guarded"});
    if (id != nullptr) *id = opened->id();
    auto* const memory = static_cast<char*>(opened->main_arena().allocate(bytes));
    std::memset(memory, 1, bytes);
    opened->close();
    return memory;
  }

  page_pool pool{{.reserve_bytes = std::size_t{1} << 30U}};
};

TEST_F(Guard, IsOffByDefault) {
  scope_registry registry{pool};
  run_scope(registry);
  EXPECT_EQ(pool.quarantine(), nullptr);
  EXPECT_FALSE(registry.guards(scope_id{1, 1}));
}

TEST_F(Guard, KeepsEveryScopesPagesWithOneInOne) {
  scope_registry registry{pool, {.guard = {.one_in = 1}}};
  scope_id id;
  char* const first = run_scope(registry, 32, &id);
  EXPECT_TRUE(registry.guards(id));
  EXPECT_NE(run_scope(registry), first) << "its page is not handed out again";
  auto const note = detail::find_quarantined(first);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->owner, id.bits());
  EXPECT_EQ(pool.owner_of(first), id.bits());
  EXPECT_EQ(pool.stats().quarantine.pages, 2U);
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
}

TEST_F(Guard, KeepsLanesAndBlocks) {
  scope_registry registry{pool, {.guard = {.one_in = 1}}};
  scope* const opened = registry.open({});
  std::vector<char*> memory;
  for (int thread = 0; thread < 3; ++thread) {
    test::elsewhere([&] {
      scope_entry const entered{*opened};
      memory.push_back(static_cast<char*>(opened->arena().allocate(32)));
      memory.push_back(static_cast<char*>(opened->arena().allocate(std::size_t{300} << 10U)));
    });
  }
  memory.push_back(static_cast<char*>(opened->main_arena().allocate(32)));
  scope_id const id = opened->id();
  opened->close();
  for (char* const each : memory) {
    auto const note = detail::find_quarantined(each);
    ASSERT_TRUE(note);
    EXPECT_EQ(note->owner, id.bits());
  }
  EXPECT_EQ(pool.stats().quarantine.owners, 1U);
  EXPECT_EQ(pool.stats().quarantine.pages, 4U);
  EXPECT_EQ(pool.stats().quarantine.blocks, 3U);
  EXPECT_EQ(pool.stats().pages_in_use() + pool.stats().blocks_in_use, 0U);
}

TEST_F(Guard, DestructorsRunBeforeAnythingIsProtected) {
  scope_registry registry{pool, {.guard = {.one_in = 1}}};
  scope* const opened = registry.open({});
  std::string last_words;
  {
    scope_entry const entered{*opened};
    auto* const text = opened->arena().copy("still here").data();
    opened->make<test::farewell>([&last_words, text, opened] {
      last_words = text;
      static_cast<void>(opened->arena().allocate(std::size_t{40} << 10U));  // may take memory, which goes too
    });
  }
  opened->close();
  EXPECT_EQ(last_words, "still here");
  EXPECT_EQ(pool.stats().quarantine.pages, 2U);
}

TEST_F(Guard, AScopeThatTookNoMemoryLeavesNothing) {
  scope_registry registry{pool, {.guard = {.one_in = 1}}};
  registry.open({})->close();
  EXPECT_EQ(pool.stats().quarantine.owners, 0U);
}

TEST_F(Guard, APinnedScopeIsGuardedWhenItsLastPinGoes) {
  scope_registry registry{pool, {.guard = {.one_in = 1}}};
  scope* const opened = registry.open({});
  auto* const memory = static_cast<char*>(opened->main_arena().allocate(8));
  {
    scope_pin const pin = registry.pin(opened->id());
    opened->close();
    *memory = 1;
    EXPECT_FALSE(detail::find_quarantined(memory));
  }
  EXPECT_TRUE(detail::find_quarantined(memory));
}

/// What get() would give lies where touching it ends the process.
TEST_F(Guard, ARefIntoQuarantinedMemoryAnswersGone) {
  scope_registry registry{pool, {.guard = {.one_in = 1}}};
  scope* const opened = registry.open({});
  std::vector<scoped_ref<char>> refs;
  auto const refer = [&](std::size_t bytes) {
    refs.emplace_back(*opened, *static_cast<char*>(opened->arena().allocate(bytes)));
  };
  {
    scope_entry const entered{*opened};
    for (std::size_t const bytes : {std::size_t{32}, std::size_t{9'000}, std::size_t{300} << 10U}) refer(bytes);
  }
  test::elsewhere([&] {
    scope_entry const entered{*opened};
    refer(32);
  });
  for (auto const& each : refs) EXPECT_NE(each.get(), nullptr);
  scope_id const id = opened->id();
  opened->close();
  ASSERT_EQ(pool.stats().quarantine.blocks, 1U);
  for (auto const& each : refs) {
    EXPECT_EQ(each.get(), nullptr);
    EXPECT_FALSE(each.pin());
    EXPECT_NE(each.id(), id);
  }
  pool.release_quarantine();
  for (auto const& each : refs) EXPECT_EQ(each.get(), nullptr) << "nor afterwards";
}

TEST_F(Guard, OneInSoManyMeansThatMany) {
  for (std::uint32_t const one_in : {2U, 10U, 1000U}) {
    detail::guard_choice const choice{one_in};
    std::size_t guarded = 0;
    // As ids come: a few slots, generation after generation.
    for (std::uint64_t generation = 1; generation <= 10'000; ++generation) {
      for (std::uint32_t slot = 0; slot < 20; ++slot) guarded += choice.chooses(scope_id{slot, generation}) ? 1U : 0U;
    }
    double const expected = 200'000.0 / one_in;
    EXPECT_NEAR(static_cast<double>(guarded), expected, 5 * std::sqrt(expected)) << one_in;
  }
}

TEST_F(Guard, NoneAndAllAreExact) {
  detail::guard_choice const none{0};
  detail::guard_choice const all{1};
  for (std::uint64_t generation = 1; generation <= 100'000; ++generation) {
    scope_id const id{static_cast<std::uint32_t>(generation % 7), generation};
    EXPECT_FALSE(none.chooses(id));
    EXPECT_TRUE(all.chooses(id));
  }
  std::size_t rare = 0;
  detail::guard_choice const rarest{std::numeric_limits<std::uint32_t>::max()};
  for (std::uint64_t generation = 1; generation <= 100'000; ++generation) {
    rare += rarest.chooses(scope_id{0, generation}) ? 1U : 0U;
  }
  EXPECT_LE(rare, 1U);
}

TEST_F(Guard, TheRegistryGuardsThoseItSays) {
  scope_registry registry{pool, {.guard = {.one_in = 3, .quarantine_pages = 4096}}};
  for (int i = 0; i < 300; ++i) {
    scope_id id;
    char const* const memory = run_scope(registry, 32, &id);
    EXPECT_EQ(detail::find_quarantined(memory).has_value(), registry.guards(id)) << i;
  }
}

TEST_F(Guard, ItsPagesGiveWayToARequestThatNeedsThem) {
  page_pool small{{.reserve_bytes = std::size_t{64} << 20U, .max_bytes = std::size_t{64} << 10U}};
  scope_registry registry{small, {.guard = {.one_in = 1}}};
  for (int i = 0; i < 50; ++i) run_scope(registry, 40'000);
  EXPECT_LE(small.committed_bytes(), std::size_t{64} << 10U);
}

TEST_F(Guard, NonsenseIsRefusedByName) {
  auto const message = [&](guard_options const& guard) -> std::string {
    try {
      scope_registry const registry{pool, {.guard = guard}};
    } catch (std::invalid_argument const& error) {
      return error.what();
    }
    return "accepted";
  };
  using testing::HasSubstr;
  EXPECT_THAT(message({.one_in = 1, .quarantine_pages = 0}),
              HasSubstr("scope_registry_options.guard.quarantine_pages is 0: must be 1 to 65536"));
  EXPECT_THAT(message({.one_in = 1, .quarantine_pages = 65'537}), HasSubstr("quarantine_pages is 65537"));
  EXPECT_THAT(message({.one_in = 1, .quarantine_bytes = 16'383}),
              HasSubstr("scope_registry_options.guard.quarantine_bytes is 16383: must hold at least one page, 16384"));
  EXPECT_EQ(message({.one_in = 1, .quarantine_pages = 1, .quarantine_bytes = 16'384}), "accepted");
}

}  // namespace
}  // namespace mayfly
