#include "support.hpp"
#include <mayfly/scope.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory_resource>
#include <string>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

using test::elsewhere;
using test::inside;
using ::testing::Each;

TEST(Lanes, TheFirstIsInsideTheScope) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] {
    arena& lane = opened.arena();
    EXPECT_EQ(&lane, &opened.main_arena());
    EXPECT_GE(reinterpret_cast<char*>(&lane), reinterpret_cast<char*>(&opened));
    EXPECT_LT(reinterpret_cast<char*>(&lane), reinterpret_cast<char*>(&opened) + sizeof(scope));
  });
  EXPECT_EQ(opened.lane_count(), 0U);
  opened.close();
}

TEST(Lanes, AnotherThreadsFirstAllocationMakesItsOwn) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] { static_cast<void>(opened.arena().allocate(8)); });
  elsewhere([&] {
    scope_entry const entered{opened};
    EXPECT_EQ(opened.lane_count(), 0U) << "entering alone makes none";
    arena& lane = opened.arena();
    EXPECT_NE(&lane, &opened.main_arena());
    EXPECT_EQ(opened.lane_count(), 1U);
    EXPECT_EQ(s.pool.owner_of(&lane), opened.id().bits()) << "it lies in the scope's own memory";
    EXPECT_EQ(s.pool.owner_of(lane.allocate(8)), opened.id().bits());
  });
  EXPECT_EQ(opened.usage().page_count(), 2U);
  opened.close();
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(Lanes, AThreadThatEntersAgainGoesOnInItsLane) {
  test::scopes s;
  scope& opened = s.open();
  elsewhere([&] {
    arena* const lane = inside(opened, [&] { return &opened.arena(); });
    scope& other = s.open();
    inside(other, [&] { static_cast<void>(other.arena().allocate(8)); });
    inside(opened, [&] {
      EXPECT_EQ(&opened.arena(), lane);
      inside(opened, [&] { EXPECT_EQ(&opened.arena(), lane) << "also where entries of one scope nest"; });
    });
    other.close();
  });
  EXPECT_EQ(opened.lane_count(), 1U);
  opened.close();
}

TEST(Lanes, AThreadThatComesAfterAnotherHasEndedDoesNotInheritItsLane) {
  test::scopes s;
  scope& opened = s.open();
  for (std::size_t i = 1; i <= 5; ++i) {
    elsewhere([&] { inside(opened, [&] { static_cast<void>(opened.arena()); }); });
    EXPECT_EQ(opened.lane_count(), i);
  }
  opened.close();
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(Lanes, AllDestructorsOfAllLanesRunBeforeAnyPageGoes) {
  constexpr int threads = 4;
  struct witness {
    witness** others;
    page_pool* pool;
    std::uint64_t owner;
    std::atomic<int>* seen;
    int alive = 0x5EED;

    /// Reads the object of every other lane, whose destructor has run or not, but whose memory is there.
    ~witness() {
      for (int i = 0; i <= threads; ++i) {
        EXPECT_EQ(pool->owner_of(others[i]), owner);
        EXPECT_TRUE(others[i]->alive == 0x5EED || others[i]->alive == 0xDEAD);
        seen->fetch_add(1, std::memory_order_relaxed);
      }
      alive = 0xDEAD;
    }
  };
  test::scopes s;
  scope& opened = s.open();
  std::atomic<int> seen{0};
  witness* witnesses[threads + 1] = {};
  auto const testify = [&](int i) {
    inside(opened, [&] {
      witnesses[i] = opened.make<witness>(witnesses, &s.pool, opened.id().bits(), &seen);
      static_cast<void>(opened.arena().allocate(50'000));  // the witness is not in the lane's current page
    });
  };
  testify(0);
  for (int i = 1; i <= threads; ++i) elsewhere([&, i] { testify(i); });
  ASSERT_EQ(opened.lane_count(), 4U);
  opened.close();
  EXPECT_EQ(seen.load(std::memory_order_relaxed), (threads + 1) * (threads + 1));
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(Lanes, ADestructorMayMakeObjectsInAnyLaneAndTheyEndTooBeforeAnyPageGoes) {
  test::scopes s;
  scope& opened = s.open();
  arena* const main = inside(opened, [&] { return &opened.arena(); });
  arena* first = nullptr;
  arena* second = nullptr;
  elsewhere([&] { first = inside(opened, [&] { return &opened.arena(); }); });
  elsewhere([&] { second = inside(opened, [&] { return &opened.arena(); }); });
  std::uint64_t const owner = opened.id().bits();
  std::vector<void const*> const everywhere{main->make<int>(), first->make<int>(), second->make<int>()};
  std::vector<std::string> ended;
  auto const end = [&](char const* where) {
    ended.emplace_back(where);
    for (void const* const object : everywhere) EXPECT_EQ(s.pool.owner_of(object), owner) << where;
  };
  first->make<test::farewell>([&] {
    main->make<test::farewell>([&] {
      second->make<test::farewell>([&] {
        first->make<test::farewell>([&] { end("last, in the first lane again"); });
        end("in the second lane");
      });
      end("in the arena inside");
    });
    end("in the first lane");
  });
  opened.close();
  EXPECT_THAT(ended, ::testing::ElementsAre("in the first lane", "in the arena inside", "in the second lane",
                                            "last, in the first lane again"));
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(Lanes, ShareOneByteBudget) {
  test::scopes s;
  scope* const opened = s.registry.open({.byte_budget = 3 * s.pool.class_bytes(0)});
  ASSERT_NE(opened, nullptr);
  auto const take_a_page = [&] {
    inside(*opened, [&] { static_cast<void>(opened->arena().allocate(s.pool.class_bytes(0) / 2)); });
  };
  take_a_page();
  elsewhere(take_a_page);
  elsewhere(take_a_page);
  EXPECT_EQ(opened->reserved_bytes(), 3 * s.pool.class_bytes(0));
  elsewhere([&] {
    EXPECT_THROW(take_a_page(), allocation_error);
    EXPECT_THROW(take_a_page(), allocation_error) << "a lane that was refused leaves nothing behind";
  });
  EXPECT_EQ(opened->lane_count(), 2U);
  EXPECT_EQ(opened->reserved_bytes(), 3 * s.pool.class_bytes(0));
  inside(*opened, [&] { static_cast<void>(opened->arena().allocate(1'000)); });  // fits a page that is there already
  opened->close();
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(Lanes, UsageIsTheSumOfAll) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] { static_cast<void>(opened.arena().allocate(1'000)); });
  arena_usage const one = opened.usage();
  elsewhere([&] { inside(opened, [&] { static_cast<void>(opened.arena().allocate(2'000)); }); });
  arena_usage const two = opened.usage();
  EXPECT_EQ(two.page_count(), 2U);
  EXPECT_EQ(two.reserved_bytes, opened.reserved_bytes());
  EXPECT_GE(two.handed_out_bytes, one.handed_out_bytes + 2'000);
  EXPECT_GT(two.skipped_bytes, one.skipped_bytes);
  EXPECT_EQ(two.unused_bytes(), two.tail_waste_bytes + two.room_bytes + two.skipped_bytes);
  opened.close();
}

TEST(Lanes, TheScopesMemoryResourceServesEachThreadFromItsOwn) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] {
    std::pmr::vector<int> here{{1, 2, 3}, opened.memory()};
    elsewhere([&] {
      scope_entry const entered{opened};
      std::pmr::vector<int> const there{{4, 5, 6}, opened.memory()};
      EXPECT_EQ(s.pool.owner_of(there.data()), opened.id().bits());
      here = {7, 8};  // fits: no memory moves between lanes
    });
    EXPECT_EQ(here, (std::pmr::vector<int>{7, 8}));
  });
  EXPECT_EQ(opened.lane_count(), 1U);
  opened.close();
}

TEST(Lanes, MemoryGivenBackFromAnotherLaneStaysUntilTheEnd) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] {
    auto* const memory = opened.memory();
    void* const mine = memory->allocate(64);
    elsewhere([&] {
      scope_entry const entered{opened};
      static_cast<void>(memory->allocate(64));
      memory->deallocate(mine, 64);
    });
    EXPECT_NE(memory->allocate(64), mine);
  });
  opened.close();
}

TEST(Lanes, OfManyThreadsAtOnceNeverHandOutTheSameBytes) {
  constexpr std::size_t threads = 8;
  constexpr std::size_t pieces = 500;
  constexpr std::size_t piece = 64;
  test::scopes s;
  scope& opened = s.open();
  std::latch ready{threads};
  std::vector<std::vector<unsigned char*>> taken(threads);
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      scope_entry const entered{opened};
      ready.arrive_and_wait();
      for (std::size_t i = 0; i < pieces; ++i) {
        taken[t].push_back(static_cast<unsigned char*>(opened.arena().allocate(piece)));
        std::fill_n(taken[t].back(), piece, static_cast<unsigned char>(t + 1));
      }
    });
  }
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(opened.lane_count(), threads);
  for (std::size_t t = 0; t < threads; ++t) {
    for (auto const* start : taken[t]) {
      EXPECT_TRUE(std::all_of(start, start + piece, [t](unsigned char c) { return c == t + 1; }));
    }
  }
  opened.close();
  EXPECT_EQ(s.pages_in_use(), 0U);
}

}  // namespace
}  // namespace mayfly
