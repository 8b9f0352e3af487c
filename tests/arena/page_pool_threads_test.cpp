#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <latch>
#include <random>
#include <vector>

#include <pthread.h>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

TEST(PagePoolThreads, TenThousandShortOnesLeaveThePageCountWhereItWas) {
  page_pool pool{test::small_pool()};
  constexpr std::size_t at_once = 20;
  constexpr std::size_t batches = test::thread_sanitized ? 50 : 500;
  auto const batch = [&] {
    test::run_threads(at_once, [&](std::size_t) {
      arena memory{pool};
      for (int i = 0; i < 40; ++i) static_cast<void>(memory.allocate(4 * kib));
    });
  };
  for (std::size_t i = 0; i < batches; ++i) batch();
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
  auto const stats = pool.stats();
  EXPECT_EQ(stats.classes[0].in_magazines + stats.classes[1].in_magazines, 0U) << "ended threads keep nothing";
  // Each needs at most 4 + 4 pages. How many are at work at once is the scheduler's choice, and a magazine fetched from
  // the depot may hold more than its thread needs; but if threads kept only one page each, there would be more than
  // these.
  EXPECT_LE(test::pages_made(pool), 4 * at_once * 8);
}

TEST(PagePoolThreads, AThreadsEndRespectsTheIdleCap) {
  page_pool pool{{.reserve_bytes = 64 * mib, .idle_cap_bytes = 2 * 16 * kib}};
  std::jthread{[&] {
    std::vector<page_span> pages;
    for (int i = 0; i < 40; ++i) pages.push_back(pool.take_page(0));
    for (page_span const& page : pages) pool.give_page(0, page.index);
  }}.join();
  EXPECT_LE(pool.stats().classes[0].in_depot, 2U);
  EXPECT_EQ(pool.committed_bytes(), pool.stats().classes[0].in_depot * 16 * kib);
}

TEST(PagePoolThreads, OneThatOnlyFreesFeedsOneThatOnlyAllocates) {
  page_pool pool{{.reserve_bytes = 64 * mib, .magazine_pages = {4, 4, 4}}};
  constexpr std::size_t pages = 24;
  std::barrier turn{2};
  std::vector<page_span> handed(pages);
  auto const rounds = 200;
  std::jthread const frees{[&] {
    for (int round = 0; round < rounds; ++round) {
      turn.arrive_and_wait();
      for (page_span const& page : handed) pool.give_page(0, page.index);
      turn.arrive_and_wait();
    }
  }};
  for (int round = 0; round < rounds; ++round) {
    for (page_span& page : handed) page = pool.take_page(0);
    turn.arrive_and_wait();
    turn.arrive_and_wait();
  }
  // What the freeing thread's magazines hold back, and no more, had to be made on top.
  EXPECT_LE(test::pages_made(pool), pages + 2 * 4 + 1);
}

/// Each page is stamped by its taker with plain writes, so that the race detector judges the hand-over as well.
TEST(PagePoolThreads, EveryPageHasExactlyOneOwner) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 8 * mib, .magazine_pages = {4, 2, 1}}};
  std::uint64_t const seed = test::test_seed();
  std::atomic<int> faults{0};
  test::run_threads(4, [&](std::size_t thread) {
    std::mt19937_64 random{seed + thread};
    struct held_page {
      std::size_t page_class;
      page_span span;
      std::uint64_t stamp;
    };
    std::vector<held_page> held;
    auto const give = [&] {
      held_page const page = held.back();
      held.pop_back();
      std::uint64_t stamp = 0;
      std::memcpy(&stamp, page.span.data, sizeof stamp);
      if (stamp != page.stamp) ++faults;
      pool.give_page(page.page_class, page.span.index);
    };
    for (std::uint64_t round = 0; round < 10'000; ++round) {
      std::size_t const c = random() % page_pool::classes;
      if (held.size() < 12 && random() % 3 != 0) {
        page_span const page = pool.take_page(c);
        if (page.data == nullptr) continue;
        std::uint64_t const stamp = round << 8U | thread;
        detail::unpoison(page.data, sizeof stamp);
        std::memcpy(page.data, &stamp, sizeof stamp);
        held.push_back({c, page, stamp});
      } else if (!held.empty()) {
        give();
      }
      if (random() % 1'000 == 0) pool.trim(true);
    }
    while (!held.empty()) give();
  });
  EXPECT_EQ(faults, 0);
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
  EXPECT_LE(pool.stats().peak_committed_bytes, 8 * mib);
}

TEST(PagePoolThreads, AnArenaMayGoOnInAnotherThread) {
  page_pool pool{test::small_pool()};
  arena memory{pool};
  int* const first = memory.make<int>(1);
  std::jthread{[&] {
    *first += 1;
    for (int i = 0; i < 10; ++i) static_cast<void>(memory.allocate(8 * kib));
    memory.reset();
  }}.join();
  EXPECT_EQ(memory.reserved_bytes(), 0U);
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
}

/// Threads beyond the magazines work as those past their farewell do: through the depot alone.
struct late_user {
  page_pool* pool;
  bool done = false;

  void use() {
    std::vector<page_span> pages;
    for (int i = 0; i < 10; ++i) pages.push_back(pool->take_page(0));
    for (page_span const& page : pages) pool->give_page(0, page.index);
    page_span const again = pool->take_page(0);
    done = detail::this_thread_index() == detail::no_thread_index && again.data != nullptr;
    pool->give_page(0, again.index);
  }
};

TEST(PagePoolThreads, OnesWithoutMagazinesUseTheDepot) {
  page_pool pool{test::small_pool()};
  late_user user{&pool};
  static_cast<void>(detail::this_thread_index());  // the farewell's key is made before this one, hence destroyed before
  pthread_key_t key{};
  ASSERT_EQ(pthread_key_create(&key, [](void* of) { static_cast<late_user*>(of)->use(); }), 0);
  std::jthread{[&] {
    pthread_setspecific(key, &user);
    arena memory{pool};
    static_cast<void>(memory.allocate(1));
  }}.join();
  pthread_key_delete(key);
  EXPECT_TRUE(user.done);
  EXPECT_EQ(test::pages_made(pool), 10U);
  EXPECT_EQ(pool.stats().classes[0].in_depot, 10U);
  EXPECT_EQ(pool.stats().classes[0].in_magazines, 0U);
}

TEST(PagePoolThreads, PoolsComeAndGoWhileThreadsEnd) {
  std::atomic<bool> stop{false};
  std::jthread const ends{[&] {
    while (!stop) std::jthread{[] { static_cast<void>(detail::this_thread_index()); }}.join();
  }};
  for (int i = 0; i < 100; ++i) {
    page_pool pool{{.reserve_bytes = 16 * mib}};
    arena memory{pool};
    static_cast<void>(memory.allocate(1));
  }
  stop = true;
}

}  // namespace
}  // namespace mayfly
