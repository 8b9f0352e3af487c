#include "support.hpp"
#include <mayfly/detail/recycler.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

namespace mayfly::detail {
namespace {

constexpr std::uint32_t capacity = 256;

struct items {
  recycler all{capacity, 2, {4, 2, 1, 1}};

  void put(std::size_t c, std::uint32_t index) {
    if (auto const displaced = all.give(c, index); !displaced.empty()) all.push(c, displaced);
  }
};

TEST(Recycler, HasNothingUntilSomethingIsGiven) {
  items pool;
  ASSERT_TRUE(pool.all.ready());
  EXPECT_EQ(pool.all.take(0), std::nullopt);
  EXPECT_EQ(pool.all.take_anywhere(0), std::nullopt);
  EXPECT_TRUE(pool.all.steal(0).empty());
  pool.put(0, 0);
  EXPECT_EQ(pool.all.take(1), std::nullopt) << "classes do not mix";
  EXPECT_EQ(pool.all.take(0), 0U);
  EXPECT_EQ(pool.all.take(0), std::nullopt);
}

TEST(Recycler, HandsTheDisplacedMagazineToTheCallerOnlyWhenBothAreFull) {
  items pool;
  // One in front, two magazines of four.
  for (std::uint32_t index = 0; index < 9; ++index) EXPECT_TRUE(pool.all.give(0, index).empty()) << index;
  index_chain const displaced = pool.all.give(0, 9);
  EXPECT_EQ(displaced.count(), 4U);
  EXPECT_EQ(pool.all.cached_items(0), 6U);
  EXPECT_EQ(pool.all.depot_items(0), 0U);
  pool.all.push(0, displaced);
  EXPECT_EQ(pool.all.depot_items(0), 4U);
}

TEST(Recycler, GivesEveryItemBackOnce) {
  items pool;
  for (std::uint32_t index = 0; index < capacity; ++index) pool.put(0, index);
  EXPECT_EQ(pool.all.cached_items(0) + pool.all.depot_items(0), capacity);
  std::vector<bool> seen(capacity);
  for (std::uint32_t count = 0; count < capacity; ++count) {
    auto const index = pool.all.take(0);
    ASSERT_TRUE(index.has_value());
    EXPECT_FALSE(seen[*index]);
    seen[*index] = true;
  }
  EXPECT_EQ(pool.all.take(0), std::nullopt);
  EXPECT_EQ(pool.all.taken_cached(0) + pool.all.refills(0), capacity);
  EXPECT_GT(pool.all.refills(0), 0U);
}

TEST(Recycler, AMagazineIsStolenFromAThreadThatSleeps) {
  items pool;
  std::atomic<int> stage{0};
  std::jthread const sleeper{[&] {
    for (std::uint32_t index = 0; index < 7; ++index) pool.put(0, index);
    stage = 1;
    stage.notify_all();
    stage.wait(1);
    EXPECT_EQ(pool.all.take(0), std::nullopt) << "nothing is left of it";
  }};
  stage.wait(0);
  EXPECT_EQ(pool.all.take(0), std::nullopt);
  std::vector<std::uint32_t> stolen;
  while (auto const index = pool.all.take_anywhere(0)) stolen.push_back(*index);
  std::sort(stolen.begin(), stolen.end());
  EXPECT_EQ(stolen, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6}));
  stage = 2;
  stage.notify_all();
}

TEST(Recycler, FlushLeavesAThreadNothingAndTheDepotAll) {
  items pool;
  for (std::uint32_t index = 0; index < 9; ++index) pool.put(1, index);
  pool.all.flush(this_thread_index());
  EXPECT_EQ(pool.all.cached_items(1), 0U);
  EXPECT_EQ(pool.all.depot_items(1), 9U);
  pool.all.flush(no_thread_index);
}

/// Publication through a front or a magazine alone: the two threads have nothing else in common, so that the race
/// detector judges these edges. What the giver's caches have no room for is dropped: the depot would be an edge of its
/// own.
TEST(Recycler, AStealerSeesWhatTheGiverWroteBefore) {
  for (std::uint32_t const at_a_time : {1U, 5U, 9U}) {
    items pool;
    std::vector<std::uint32_t> bytes(capacity);  // plain
    std::atomic<std::uint32_t> wanted{0};        // relaxed throughout: orders nothing
    std::atomic<bool> done{false};
    std::jthread const giver{[&] {
      for (std::uint32_t index = 0; index < capacity; ++index) {
        bytes[index] = index + 1;
        static_cast<void>(pool.all.give(0, index));
        if (index % at_a_time != at_a_time - 1) continue;
        wanted.store(1, std::memory_order_relaxed);
        while (wanted.load(std::memory_order_relaxed) != 0) std::this_thread::yield();
      }
      done.store(true, std::memory_order_relaxed);
    }};
    std::uint32_t seen = 0;
    while (!done.load(std::memory_order_relaxed)) {
      if (wanted.load(std::memory_order_relaxed) == 0) {
        std::this_thread::yield();
        continue;
      }
      for (auto chain = pool.all.steal(0); !chain.empty(); chain = pool.all.steal(0)) {
        for (auto rest = chain; !rest.empty(); rest = rest.tail(pool.all.links())) {
          EXPECT_EQ(bytes[rest.head()], rest.head() + 1);
          ++seen;
        }
      }
      wanted.store(0, std::memory_order_relaxed);
    }
    EXPECT_GT(seen, capacity / 2);
  }
}

/// Every item has one owner at a time: stamped with plain writes, which the race detector judges too.
TEST(Recycler, EachItemHasOneOwnerWhileThreadsTakeGiveAndSteal) {
  items pool;
  for (std::uint32_t index = 0; index < 40; ++index) pool.put(0, index);
  pool.all.flush(this_thread_index());
  std::vector<std::size_t> owner(capacity);  // plain
  std::atomic<int> faults{0};
  auto const use = [&](std::uint32_t index, std::size_t thread) {
    if (owner[index] != 0) ++faults;
    owner[index] = thread;
    if (owner[index] != thread) ++faults;
    owner[index] = 0;
  };
  test::run_threads(4, [&](std::size_t number) {
    std::size_t const thread = number + 1;
    std::vector<std::uint32_t> held;
    for (int round = 0; round < 20'000; ++round) {
      bool const steals = number == 3 && round % 3 == 0;
      if (auto const index = steals ? pool.all.take_anywhere(0) : pool.all.take(0)) {
        use(*index, thread);
        held.push_back(*index);
      }
      if (held.size() > 8 || round % 2 == 1) {
        for (std::uint32_t const index : held) pool.put(0, index);
        held.clear();
      }
    }
    for (std::uint32_t const index : held) pool.put(0, index);
    pool.all.flush(this_thread_index());
  });
  EXPECT_EQ(faults, 0);
  EXPECT_EQ(pool.all.depot_items(0), 40U);
  EXPECT_EQ(pool.all.cached_items(0), 0U);
}

}  // namespace
}  // namespace mayfly::detail
