// Where slots come from and go: the end of their generations, full registries, caches of other threads and of ended
// ones.

#include "support.hpp"
#include <mayfly/scope_registry.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <latch>
#include <set>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

using test::close_all;
using test::elsewhere;
using test::inside;
using test::open_all;
using test::refused;

// ---- the end of generations

TEST(ScopeRegistry, ASlotThatBeginsTwoBeforeTheWrapServesThreeScopesAndThenRetires) {
  test::scopes s{1, scope_id::largest_generation - 2};  // 2^40 - 3
  std::vector<scope_id> ids;
  while (scope* const opened = s.registry.open({})) {
    ASSERT_LT(ids.size(), 3U);
    ids.push_back(opened->id());
    EXPECT_EQ(s.registry.retired_slots(), 0U);
    opened->close();
  }
  ASSERT_EQ(ids.size(), 3U);
  EXPECT_EQ(ids.back().generation(), scope_id::largest_generation);
  EXPECT_EQ(s.registry.retired_slots(), 1U);
  EXPECT_EQ(s.registry.open({}), nullptr) << "a registry whose slots have all retired is full for good";
  for (scope_id const id : ids) EXPECT_TRUE(refused(s.registry, id));
  EXPECT_TRUE(refused(s.registry, scope_id{ids[0].slot(), 0})) << "what a wrapped generation would be";
  EXPECT_EQ(s.registry.live(), 0U);
}

TEST(ScopeRegistry, ShrinksByEverySlotThatRetires) {
  test::scopes s{3, scope_id::largest_generation - 1};
  scope& a = s.open();
  scope_id const first = a.id();
  a.close();
  scope* const again = s.registry.open({});
  ASSERT_NE(again, nullptr);
  ASSERT_EQ(again->id(), (scope_id{first.slot(), scope_id::largest_generation})) << "the warm slot is used first";
  again->close();
  EXPECT_EQ(s.registry.retired_slots(), 1U);
  auto const rest = open_all(s.registry);
  EXPECT_EQ(rest.size(), 2U);
  EXPECT_TRUE(refused(s.registry, first));
  close_all(rest);
}

TEST(ScopeRegistry, NoGenerationIsUsedTwiceWhereARegistryEndsInTheMiddle) {
  page_pool pool{{.reserve_bytes = std::size_t{64} << 20U}};
  std::set<scope_id> seen;
  for (int round = 0; round < 4; ++round) {
    scope_registry registry{pool, {.capacity = 2, .first_generation = scope_id::largest_generation - 4}};
    for (int times = 0; times < 3; ++times) {
      scope* const opened = registry.open({});
      ASSERT_NE(opened, nullptr);
      EXPECT_TRUE(seen.insert(opened->id()).second);
      opened->close();
    }
  }
}

// ---- full

TEST(ScopeRegistry, SaysThatItIsFullAndOpensAgainOnceOneHasEnded) {
  test::scopes s{5};
  auto opened = open_all(s.registry);
  ASSERT_EQ(opened.size(), 5U);
  EXPECT_EQ(s.registry.open({}), nullptr);
  opened[2]->close();
  opened[2] = s.registry.open({});
  EXPECT_NE(opened[2], nullptr);
  EXPECT_EQ(s.registry.open({}), nullptr);
  close_all(opened);
}

TEST(ScopeRegistry, IsNotFullWhileFreeSlotsLieInTheMagazinesOfOtherThreads) {
  constexpr std::uint32_t capacity = 200;  // several magazines
  constexpr int threads = 3;
  test::scopes s{capacity};
  auto const opened = open_all(s.registry);
  ASSERT_EQ(opened.size(), capacity);
  std::latch closed{threads};
  std::latch done{1};
  std::vector<std::thread> sleepers;
  for (std::size_t t = 0; t < threads; ++t) {
    sleepers.emplace_back([&, t] {
      for (std::size_t i = t; i < capacity; i += threads) opened[i]->close();
      closed.count_down();
      done.wait();  // alive, so that its magazines are not flushed
    });
  }
  closed.wait();
  auto const again = open_all(s.registry);
  EXPECT_EQ(again.size(), capacity) << "full is exact when nobody opens or closes";
  close_all(again);
  done.count_down();
  for (auto& sleeper : sleepers) sleeper.join();
}

TEST(ScopeRegistry, AThreadThatEndsGivesItsSlotsBack) {
  test::scopes s{100};
  for (int round = 0; round < 20; ++round) {
    elsewhere([&] {
      auto const opened = open_all(s.registry);
      EXPECT_EQ(opened.size(), 100U);
      close_all(opened);
    });
  }
}

TEST(ScopeRegistry, AThreadMayCloseAScopeAfterItsCachesAreGone) {
  test::scopes s{1};
  struct late {
    scope* owned = nullptr;
    ~late() {
      if (owned != nullptr) owned->close();
    }
  };
  scope_id id;
  elsewhere([&] {
    // Made before the thread first touches a cache, so it ends after them.
    static thread_local late last;
    last.owned = &s.open();
    id = last.owned->id();
    inside(*last.owned, [&] { static_cast<void>(last.owned->arena().allocate(100)); });
  });
  EXPECT_TRUE(refused(s.registry, id));
  EXPECT_EQ(s.pages_in_use(), 0U);
  scope* const next = s.registry.open({});
  ASSERT_NE(next, nullptr);
  next->close();
}

TEST(ScopeRegistry, WithStaticStorageEndsAfterMain) {
  static test::scopes last;
  scope& opened = last.open();
  inside(opened, [&] { static_cast<void>(opened.arena().allocate(100)); });
  opened.close();
}

}  // namespace
}  // namespace mayfly
