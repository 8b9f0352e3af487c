// Every byte of the reservation is in one place, and the places together are what the kernel says is resident.

#include "resident_memory.hpp"
#include "support.hpp"
#include <mayfly/arena.hpp>
#include <mayfly/detail/page_quarantine.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

constexpr std::size_t system_page = 4 * kib;

void write(arena& memory, std::size_t bytes) { std::memset(memory.allocate(bytes), 1, bytes); }

std::uint64_t all_classes(page_pool_stats const& stats, std::uint64_t page_class_stats::* figure) {
  std::uint64_t sum = 0;
  for (auto const& each : stats.classes) sum += each.*figure;
  return sum;
}

/// The account against the kernel, the reservation and the counters that the pool keeps: nobody takes or gives.
void expect_complete(page_pool const& pool, char const* when) {
  SCOPED_TRACE(when);
  // smaps first: taking an account must not need memory of the pool, but may of the heap
  std::size_t const resident = test::smaps_bytes(pool);
  memory_account const account = pool.account();
  page_pool_stats const stats = pool.stats();
  ASSERT_TRUE(account.resident_known);
  EXPECT_LE(account.total().resident_bytes, resident + system_page);
  EXPECT_GE(account.total().resident_bytes + system_page, resident);
  EXPECT_EQ(account.total().bytes, pool.reserved_bytes());
  EXPECT_EQ(account.committed_bytes(), pool.committed_bytes());
  EXPECT_EQ(account.of(memory_place::pages_in_use).pieces, stats.pages_in_use());
  EXPECT_EQ(account.of(memory_place::blocks_in_use).pieces, stats.blocks_in_use);
  EXPECT_EQ(account.of(memory_place::magazines).pieces, all_classes(stats, &page_class_stats::in_magazines));
  EXPECT_EQ(account.of(memory_place::depot).pieces, all_classes(stats, &page_class_stats::in_depot));
  EXPECT_EQ(account.of(memory_place::cached_blocks).bytes, stats.idle_block_bytes);
  EXPECT_EQ(account.of(memory_place::quarantine).pieces, stats.quarantine.pages + stats.quarantine.blocks);
  EXPECT_EQ(account.of(memory_place::quarantine).bytes, stats.quarantine.bytes);
  memory_amount owned;
  for (auto const& owner : account.owners) owned += owner;
  EXPECT_EQ(owned.bytes, account.of(memory_place::pages_in_use).bytes + account.of(memory_place::blocks_in_use).bytes);
}

TEST(MemoryAccount, AFreshPoolIsAddressesOnly) {
  page_pool const pool{{.reserve_bytes = 64 * mib}};
  expect_complete(pool, "fresh");
  memory_account const account = pool.account();
  EXPECT_EQ(account.of(memory_place::free).bytes, 64 * mib);
  EXPECT_EQ(account.of(memory_place::free).pieces, 32U);
  EXPECT_EQ(account.total().resident_bytes, 0U);
  EXPECT_TRUE(account.owners.empty());
}

TEST(MemoryAccount, PagesOfLivingArenasAreInUseAndTheirOwners) {
  page_pool pool{{.reserve_bytes = 256 * mib}};
  arena one{pool, {.owner_tag = 7}};
  arena two{pool, {.owner_tag = 9}};
  arena untagged{pool};
  write(one, 10 * kib);
  for (int i = 0; i < 100; ++i) write(two, 8 * kib);
  write(two, 3 * mib);
  write(untagged, 1);
  expect_complete(pool, "held");
  memory_account const account = pool.account();
  ASSERT_EQ(account.owners.size(), 3U);
  EXPECT_EQ(account.owners[0].owner, 0U);
  EXPECT_EQ(account.owners[0].bytes, 16 * kib);
  EXPECT_EQ(account.owners[1].owner, 7U);
  EXPECT_EQ(account.owners[1].bytes, one.usage().reserved_bytes);
  EXPECT_GE(account.owners[1].resident_bytes, 10 * kib);
  EXPECT_EQ(account.owners[2].owner, 9U);
  EXPECT_EQ(account.owners[2].bytes, two.usage().reserved_bytes);
  EXPECT_GE(account.owners[2].resident_bytes, 3 * mib + 800 * kib);
  EXPECT_EQ(account.owners[2].pieces, two.usage().page_count() + 1U);
}

TEST(MemoryAccount, APageCountsAsFarAsItWasEverTouched) {
  page_pool pool{{.reserve_bytes = 64 * mib}};
  {
    arena memory{pool, {.first_class = 2}};
    write(memory, 60 * kib);
  }
  memory_account const account = pool.account();
  EXPECT_EQ(account.of(memory_place::magazines).bytes, 256 * kib);
  EXPECT_GE(account.of(memory_place::magazines).resident_bytes, 60 * kib);
  expect_complete(pool, "touched in part");
}

/// Pages of all classes by the hundred, small blocks, large blocks, runs.
void use_everything(page_pool& pool) {
  std::array<std::optional<arena>, 40> arenas;
  for (std::size_t i = 0; i < arenas.size(); ++i) {
    arena& memory = arenas[i].emplace(pool, arena_options{.first_class = i % page_pool::classes});
    for (int k = 0; k < 50; ++k) write(memory, 1 + i * 200);
    write(memory, 70 * kib + i * 5000);
    if (i % 10 == 0) write(memory, 3 * mib + i * 100'000);
  }
}

TEST(MemoryAccount, WhatLiesIdleIsInMagazinesDepotAndCachedBlocks) {
  page_pool pool{{.reserve_bytes = 512 * mib}};
  use_everything(pool);
  expect_complete(pool, "idle");
  memory_account const account = pool.account();
  for (memory_place const place : {memory_place::magazines, memory_place::depot, memory_place::cached_blocks}) {
    EXPECT_GT(account.of(place).resident_bytes, 0U) << to_string(place);
  }
  EXPECT_EQ(account.of(memory_place::pages_in_use).pieces, 0U);
  EXPECT_EQ(account.of(memory_place::blocks_in_use).pieces, 0U);
  EXPECT_GT(account.of(memory_place::block_rest).bytes, 0U);
  EXPECT_GT(account.of(memory_place::fresh).bytes, 0U);
  use_everything(pool);
  expect_complete(pool, "used again");
}

TEST(MemoryAccount, AfterATrimAllIsReturned) {
  page_pool pool{{.reserve_bytes = 512 * mib, .idle_floor_bytes = 0}};
  use_everything(pool);
  pool.trim();
  expect_complete(pool, "depot trimmed");
  EXPECT_GT(pool.account().of(memory_place::magazines).resident_bytes, 0U);
  EXPECT_EQ(pool.account().of(memory_place::depot).pieces, 0U);
  pool.trim(true);
  expect_complete(pool, "all trimmed");
  memory_account const account = pool.account();
  EXPECT_GT(account.of(memory_place::returned).pieces, 0U);
  EXPECT_EQ(account.of(memory_place::returned).resident_bytes, 0U);
  EXPECT_EQ(account.committed_bytes(), 0U);
  use_everything(pool);
  expect_complete(pool, "taken again");
}

TEST(MemoryAccount, OtherThreadsMagazinesCount) {
  page_pool pool{{.reserve_bytes = 256 * mib}};
  std::latch used{3};
  std::latch counted{1};
  std::vector<std::jthread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      {
        arena memory{pool};
        write(memory, 100);
      }
      used.count_down();
      counted.wait();
    });
  }
  used.wait();
  expect_complete(pool, "three sleeping threads");
  EXPECT_EQ(pool.account().of(memory_place::magazines).pieces, 3U);
  counted.count_down();
  threads.clear();
  expect_complete(pool, "ended");
  EXPECT_EQ(pool.account().of(memory_place::depot).pieces, 3U);
}

TEST(MemoryAccount, QuarantineHoldsWhatItHolds) {
  page_pool pool{{.reserve_bytes = 256 * mib}};
  pool.start_quarantine();
  {
    arena memory{pool, {.owner_tag = 5}};
    write(memory, 10 * kib);
    write(memory, 200 * kib);
    write(memory, 3 * mib);
    detail::quarantine_admission admission{*pool.quarantine(), {.owner = 5}};
    memory.reset_into(admission);
  }
  expect_complete(pool, "quarantined");
  EXPECT_GE(pool.account().of(memory_place::quarantine).resident_bytes, 3 * mib + 210 * kib);
  EXPECT_TRUE(pool.account().owners.empty());
  pool.release_quarantine();
  expect_complete(pool, "released");
  EXPECT_EQ(pool.account().of(memory_place::quarantine).pieces, 0U);
}

TEST(MemoryAccount, PagesThatAreNotRecycledAreReturnedAtOnce) {
  page_pool pool{{.reserve_bytes = 512 * mib, .recycle = false}};
  use_everything(pool);
  expect_complete(pool, "ended");
  EXPECT_EQ(pool.account().committed_bytes(), 0U);
  EXPECT_EQ(pool.account().of(memory_place::returned).resident_bytes, 0U);
}

TEST(MemoryAccount, EveryByteCountsOnceWhileThreadsTakeAndGive) {
  page_pool pool{{.reserve_bytes = 256 * mib}};
  constexpr int wanted = 200;
  std::atomic<int> rounds{0};
  std::atomic<bool> stop{false};
  std::vector<std::jthread> threads;
  threads.reserve(3);
  for (std::size_t i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {  // relaxed: a flag
        arena memory{pool, {.owner_tag = 3}};
        for (int k = 0; k < 60; ++k) write(memory, 2 * kib);
        write(memory, 80 * kib);
        rounds.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
      }
    });
  }
  while (rounds.load(std::memory_order_relaxed) < wanted) {  // relaxed: a figure
    memory_account const account = pool.account();
    EXPECT_EQ(account.total().bytes, pool.reserved_bytes());
    for (auto const& place : account.places) EXPECT_LE(place.resident_bytes, place.bytes);
  }
  stop.store(true, std::memory_order_relaxed);  // relaxed: a flag
  threads.clear();
  expect_complete(pool, "at rest");
}

}  // namespace
}  // namespace mayfly
