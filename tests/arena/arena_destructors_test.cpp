#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

struct noted {
  std::vector<int>* log;
  int number;
  noted(std::vector<int>& destroyed, int n) : log{&destroyed}, number{n} {}
  noted(noted const&) = delete;
  ~noted() { log->push_back(number); }
};

struct ArenaDestructors : testing::Test {
  page_pool pool{test::small_pool()};
  std::vector<int> log;
  arena memory{pool};
};

TEST_F(ArenaDestructors, RunInReverseOrderOfMaking) {
  constexpr int count = 1'000;  // several chunks of records
  for (int i = 0; i < count; ++i) memory.make<noted>(log, i);
  memory.reset();
  std::vector<int> expected(count);
  std::iota(expected.rbegin(), expected.rend(), 0);
  EXPECT_EQ(log, expected);
}

TEST_F(ArenaDestructors, RunAtTheArenasEndAndOnce) {
  {
    arena other{pool};
    other.make<noted>(log, 1);
    other.run_destructors();
    EXPECT_EQ(log, std::vector<int>{1});
    other.make<noted>(log, 2);
  }
  EXPECT_EQ(log, (std::vector<int>{1, 2}));
}

TEST_F(ArenaDestructors, AreNotRecordedForTrivialTypes) {
  static_cast<void>(memory.allocate(8));
  std::size_t const room = memory.usage().room_bytes;
  memory.make<std::uint64_t>(7U);
  EXPECT_EQ(room - memory.usage().room_bytes, 8 + detail::redzone_bytes);
}

TEST_F(ArenaDestructors, OfAnOuterObjectRunBeforeThoseOfWhatItMade) {
  struct outer {
    noted mine;
    outer(arena& from, std::vector<int>& destroyed) : mine{destroyed, 1} { from.make<noted>(destroyed, 2); }
  };
  memory.make<outer>(memory, log);
  memory.reset();
  EXPECT_EQ(log, (std::vector<int>{1, 2}));
}

TEST_F(ArenaDestructors, MayAllocateAndMake) {
  struct busy {
    arena* memory;
    std::vector<int>* log;
    int depth;
    busy(arena& from, std::vector<int>& destroyed, int d) : memory{&from}, log{&destroyed}, depth{d} {}
    ~busy() {
      log->push_back(depth);
      static_cast<void>(memory->allocate(8 * kib));
      static_cast<void>(memory->allocate(100 * kib));
      if (depth > 0) memory->make<busy>(*memory, *log, depth - 1);
    }
  };
  memory.make<noted>(log, 100);
  for (int i = 0; i < 20; ++i) memory.make<busy>(memory, log, 3);
  memory.reset();
  EXPECT_EQ(log.size(), 81U);
  EXPECT_EQ(log.back(), 100) << "what a destructor made ends before the rest";
  EXPECT_EQ((std::vector<int>{log.begin(), log.begin() + 4}), (std::vector<int>{3, 2, 1, 0}));
  EXPECT_EQ(memory.reserved_bytes(), 0U);
  EXPECT_EQ(pool.stats().blocks_in_use, 0U);
}

TEST_F(ArenaDestructors, AllRunBeforeAnyPageGoes) {
  struct reader {
    std::vector<int*> others;
    std::vector<int>* log;
    ~reader() {
      for (int const* other : others) log->push_back(*other);
    }
  };
  auto* const first = memory.make<reader>();
  first->log = &log;
  for (int i = 0; i < 100; ++i) {
    first->others.push_back(memory.make<int>(i));
    static_cast<void>(memory.allocate(10 * kib));
  }
  memory.reset();
  std::vector<int> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(log, expected);
}

TEST_F(ArenaDestructors, AllRunBeforeAnyBlockGoes) {
  struct looker {
    arena* memory;
    void const* page;
    void const* block;
    std::vector<int>* log;
    ~looker() {
      for (void const* address : {page, block}) log->push_back(static_cast<int>(memory->pool().owner_of(address)));
    }
  };
  for (bool const rewinds : {true, false}) {
    memory.restart({.owner_tag = 9});
    auto const point = memory.mark();
    auto* const last = memory.make<looker>(&memory, nullptr, nullptr, &log);
    static_cast<void>(memory.allocate(15 * kib));
    last->page = memory.allocate(15 * kib);
    last->block = memory.allocate(mib);
    rewinds ? memory.rewind(point) : memory.reset();
    EXPECT_EQ(log, (std::vector<int>{9, 9}));
    log.clear();
  }
}

TEST_F(ArenaDestructors, AreNotOwedForAnObjectWhoseConstructorThrows) {
  struct fails {
    noted member;
    explicit fails(std::vector<int>& destroyed) : member{destroyed, 1} { throw std::runtime_error{"no"}; }
    ~fails() { member.log->push_back(2); }
  };
  EXPECT_THROW(memory.make<fails>(log), std::runtime_error);
  EXPECT_EQ(log, std::vector<int>{1});
  memory.reset();
  EXPECT_EQ(log, std::vector<int>{1});
}

TEST_F(ArenaDestructors, WhatAThrowingConstructorMadeInTheArenaStillEnds) {
  struct fails {
    fails(arena& from, std::vector<int>& destroyed) {
      from.make<noted>(destroyed, 1);
      throw std::runtime_error{"no"};
    }
  };
  EXPECT_THROW(memory.make<fails>(memory, log), std::runtime_error);
  EXPECT_TRUE(log.empty());
  memory.reset();
  EXPECT_EQ(log, std::vector<int>{1});
}

TEST_F(ArenaDestructors, AnObjectThatCannotBeRecordedIsDestroyedAtOnce) {
  byte_budget budget{16 * kib};
  arena tight{pool, {.budget = &budget}};
  static_cast<void>(tight.allocate(8));
  // Leaves room for the object and not for a chunk of records.
  static_cast<void>(tight.allocate(tight.usage().room_bytes - sizeof(noted) - 2 * detail::redzone_bytes));
  EXPECT_THROW(tight.make<noted>(log, 5), allocation_error);
  EXPECT_EQ(log, std::vector<int>{5});
  tight.reset();
  EXPECT_EQ(log, std::vector<int>{5});
  EXPECT_EQ(budget.used(), 0U);
}

TEST_F(ArenaDestructors, MakeForwardsItsArguments) {
  auto owned = std::make_unique<int>(3);
  auto* const pointer = memory.make<std::unique_ptr<int>>(std::move(owned));
  EXPECT_EQ(**pointer, 3);
  struct aggregate {
    int a;
    std::string b;
  };
  EXPECT_EQ(memory.make<aggregate>(1, "two")->b, "two");
  struct alignas(256) wide {
    char bytes[300];
  };
  EXPECT_TRUE(test::is_aligned(memory.make<wide>(), 256));
}

TEST_F(ArenaDestructors, SurviveAMove) {
  memory.make<noted>(log, 1);
  arena other{std::move(memory)};
  memory.reset();  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(log.empty());
  other.make<noted>(log, 2);
  other.reset();
  EXPECT_EQ(log, (std::vector<int>{2, 1}));
}

}  // namespace
}  // namespace mayfly
