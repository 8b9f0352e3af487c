// What several pools hold together.

#include "support.hpp"
#include "system_calls.hpp"
#include <mayfly/detail/poison.hpp>
#include <mayfly/page_budget.hpp>
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

constexpr std::size_t page = 16 * kib;

page_pool_options part_of(page_budget& budget, std::size_t max_bytes = page_pool_options::unlimited) {
  return {.reserve_bytes = 64 * mib, .max_bytes = max_bytes, .common_budget = &budget};
}

/// All pages that the pool gives.
std::vector<page_span> take_all(page_pool& pool) {
  std::vector<page_span> pages;
  for (page_span one = pool.take_page(0); one.data != nullptr; one = pool.take_page(0)) pages.push_back(one);
  return pages;
}

void give_pages(page_pool& pool, std::vector<page_span> const& pages) {
  for (page_span const& one : pages) pool.give_page(0, one.index);
}

TEST(PageBudget, IsWhatAllPoolsHoldTogether) {
  page_budget budget{10 * page + 1};
  page_pool left{part_of(budget)};
  page_pool right{part_of(budget)};
  std::vector<page_span> some;
  for (int i = 0; i < 4; ++i) some.push_back(left.take_page(0));
  auto const rest = take_all(right);
  EXPECT_EQ(rest.size(), 6U);
  EXPECT_EQ(budget.used(), 10 * page);
  page_span const refused = left.take_page(0);
  EXPECT_EQ(refused.reason, refusal::page_cap);
  EXPECT_EQ(left.error(refused, page).limit(), 10 * page + 1) << "the limit that refused";
  EXPECT_EQ(left.error(refused, page).used(), 10 * page);
  EXPECT_EQ(left.take_block(20 * kib, 1).reason, refusal::page_cap);
  EXPECT_EQ(left.committed_bytes(), 4 * page) << "a refusal leaves nothing charged";
  give_pages(left, some);
  give_pages(right, rest);
}

TEST(PageBudget, WhatTheOthersMayNotTakeIsAPoolsForCertain) {
  page_budget budget{16 * page};
  page_pool greedy{part_of(budget, 12 * page)};
  page_pool modest{part_of(budget, 8 * page)};
  auto const most = take_all(greedy);
  EXPECT_EQ(most.size(), 12U);
  EXPECT_EQ(greedy.error({.reason = refusal::page_cap}, page).limit(), 12 * page) << "its own refused";
  auto const own = take_all(modest);
  EXPECT_EQ(own.size(), 4U);
  give_pages(greedy, most);
  give_pages(modest, own);
}

TEST(PageBudget, IdleMemoryOfOnePoolMakesRoomForAnother) {
  page_budget budget{16 * page};
  page_pool sleeper{part_of(budget)};
  page_pool busy{part_of(budget)};
  give_pages(sleeper, take_all(sleeper));
  EXPECT_EQ(budget.used(), 16 * page) << "all of it idle, in depot and magazines";
  EXPECT_TRUE(busy.has_room(16 * page));
  EXPECT_FALSE(busy.has_room(16 * page + 1));
  auto const all = take_all(busy);
  EXPECT_EQ(all.size(), 16U);
  EXPECT_EQ(sleeper.committed_bytes(), 0U);
  EXPECT_FALSE(sleeper.has_room(page)) << "held by another";
  give_pages(busy, all);
}

TEST(PageBudget, APoolGivesUpItsOwnIdleMemoryFirst) {
  page_budget budget{32 * page};
  page_pool sleeper{part_of(budget)};
  page_pool asking{part_of(budget, 16 * page)};
  give_pages(asking, take_all(asking));
  give_pages(sleeper, take_all(sleeper));
  page_span const large = asking.take_page(2);
  EXPECT_NE(large.data, nullptr);
  EXPECT_EQ(sleeper.committed_bytes(), 16 * page);
  asking.give_page(2, large.index);
}

TEST(PageBudget, AMovedLimitTakesIdleMemoryOfEveryPool) {
  page_budget budget{64 * page};
  page_pool left{part_of(budget, 32 * page)};
  page_pool right{part_of(budget)};
  auto const held = take_all(left);
  give_pages(right, take_all(right));
  EXPECT_EQ(budget.set_limit(40 * page), 24 * page);
  EXPECT_EQ(budget.used(), 40 * page);
  EXPECT_EQ(right.most_bytes(), 40 * page);
  EXPECT_EQ(budget.set_limit(8 * page), 8 * page) << "the rest is held";
  EXPECT_EQ(right.take_page(0).reason, refusal::page_cap);
  give_pages(left, held);
  left.end_epoch();
  EXPECT_LE(budget.used(), 8 * page);
  auto const again = take_all(right);
  EXPECT_EQ(again.size(), 8U);
  give_pages(right, again);
}

TEST(PageBudget, APoolThatEndsGivesBackItsPart) {
  page_budget budget{16 * page};
  page_pool stays{part_of(budget)};
  {
    page_pool goes{part_of(budget)};
    give_pages(goes, take_all(goes));
    EXPECT_EQ(budget.used(), 16 * page);
  }
  EXPECT_EQ(budget.used(), 0U);
  auto const all = take_all(stays);
  EXPECT_EQ(all.size(), 16U) << "and nobody looks for idle memory there";
  give_pages(stays, all);
}

TEST(PageBudget, IsNeverPassedWhilePoolsCompeteAndOneComesAndGoes) {
  constexpr std::size_t most = 2 * mib;
  page_budget budget{most};
  std::atomic<bool> passed{false};
  auto const use = [&](page_pool& pool, std::size_t thread) {
    std::size_t served = 0;
    for (std::size_t round = 0; round < 2'000; ++round) {
      std::size_t const c = (round + thread) % page_pool::classes;
      page_span const one = pool.take_page(c);
      if (budget.used() > most) passed = true;
      if (one.data == nullptr) continue;
      detail::unpoison(one.data, one.bytes);
      one.data[0] = one.data[one.bytes - 1] = std::byte{1};
      detail::poison(one.data, one.bytes);
      ++served;
      pool.give_page(c, one.index);
    }
    return served;
  };
  page_pool left{part_of(budget, most - 256 * kib)};
  page_pool right{part_of(budget, most - 256 * kib)};
  std::atomic<std::size_t> least{2'000};
  test::run_threads(4, [&](std::size_t thread) {
    if (thread == 3) {
      for (int i = 0; i < 20; ++i) {
        page_pool guest{part_of(budget)};
        use(guest, thread);
      }
      return;
    }
    std::size_t const served = use(thread == 0 ? left : right, thread);
    for (std::size_t seen = least; served < seen && !least.compare_exchange_weak(seen, served);) {
    }
  });
  EXPECT_FALSE(passed);
  EXPECT_GT(least, 0U) << "nobody starves";
  EXPECT_EQ(budget.used(), left.committed_bytes() + right.committed_bytes());
}

/// Who only asks, as each submission of an executor does, never waits for pages that just go back to the system.
TEST(PageBudget, WhoAsksForRoomDoesNotWaitForWhoReclaims) {
  page_budget budget{16 * page};
  page_pool sleeper{part_of(budget)};
  page_pool busy{part_of(budget)};
  give_pages(sleeper, take_all(sleeper));
  test::held_call going{test::refused_call::name::madvise};
  std::jthread const lowers{[&] { budget.set_limit(8 * page); }};
  going.wait_for_caller();
  auto asked = std::async(std::launch::async, [&] { return busy.has_room(page) || sleeper.has_room(page); });
  EXPECT_EQ(asked.wait_for(std::chrono::seconds{20}), std::future_status::ready) << "it waits for a system call";
  going.let_go();
}

TEST(PageBudget, HasRoomIsCountedAnewForWhoAsksSeldomAndNotForWhoAsksAllTheTime) {
  page_budget budget{16 * page};
  page_pool pool{part_of(budget)};
  auto all = take_all(pool);
  int asked = 0;
  for (; asked < 100'000 && !pool.has_room(page); ++asked) {
    if (asked == 1'000) give_pages(pool, all);  // to be seen in a millisecond
  }
  EXPECT_GT(asked, 1'000) << "all 16 pages are held";
  EXPECT_LT(asked, 100'000) << "what was given back is room";
}

TEST(PageBudget, APoolEndsInAForkedChildThoughAnotherThreadReclaimed) {
  page_budget budget{16 * page};
  auto pool = std::make_unique<page_pool>(part_of(budget));
  give_pages(*pool, take_all(*pool));
  test::held_call going{test::refused_call::name::madvise};
  std::jthread const lowers{[&] { budget.set_limit(8 * page); }};
  going.wait_for_caller();
  // Not before the fork is under way, mostly; where it is before, nothing is tested, and nothing fails.
  std::jthread const telling{[&going] {
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    going.let_go();
  }};
  pid_t const child = fork();
  if (child == 0) {
    alarm(20);  // ends a child that waits for a thread it does not have
    budget.set_limit(4 * page);
    pool.reset();
    // Not _exit(): at that ThreadSanitizer tells of a thread that has ended and that only the parent can join.
    syscall(SYS_exit_group, budget.used() == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

}  // namespace
}  // namespace mayfly
