// What happens where the pool's cap, its addresses or the system's patience end.

#include "support.hpp"
#include "system_calls.hpp"
#include <mayfly/page_pool.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <vector>

#include <sys/resource.h>

namespace mayfly {
namespace {

using test::kib;
using test::mib;
using test::refused_call;

TEST(PagePoolCap, TheLastPageThatFitsIsGivenAndTheNextRefused) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 5 * 16 * kib - 1}};
  std::vector<page_span> pages;
  for (int i = 0; i < 4; ++i) pages.push_back(pool.take_page(0));
  for (page_span const& page : pages) EXPECT_NE(page.data, nullptr);
  page_span const refused = pool.take_page(0);
  EXPECT_EQ(refused.data, nullptr);
  EXPECT_EQ(refused.reason, refusal::page_cap);
  allocation_error const error = pool.error(refused, 16 * kib);
  EXPECT_EQ(error.limit(), 5 * 16 * kib - 1);
  EXPECT_EQ(error.used(), 4 * 16 * kib);
  EXPECT_EQ(error.asked(), 16 * kib);
  EXPECT_EQ(pool.take_page(1).reason, refusal::page_cap);
  EXPECT_EQ(pool.take_block(300 * kib, 1).reason, refusal::page_cap) << "larger than the cap";
  EXPECT_EQ(pool.take_block(20 * kib, 1).reason, refusal::page_cap);
  for (page_span const& page : pages) pool.give_page(0, page.index);
}

TEST(PagePoolCap, IdlePagesOfOtherClassesMakeRoom) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 256 * kib}};
  std::vector<page_span> pages;
  for (int i = 0; i < 16; ++i) pages.push_back(pool.take_page(0));
  EXPECT_EQ(pool.take_page(2).reason, refusal::page_cap);
  for (page_span const& page : pages) pool.give_page(0, page.index);
  EXPECT_EQ(pool.committed_bytes(), 256 * kib);
  page_span const large = pool.take_page(2);
  EXPECT_NE(large.data, nullptr);
  EXPECT_EQ(pool.committed_bytes(), 256 * kib);
  EXPECT_EQ(pool.stats().classes[0].returned, 16U);
  pool.give_page(2, large.index);
}

TEST(PagePoolCap, IdleBlocksMakeRoom) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 5 * mib}};
  page_span const block = pool.take_block(5 * mib, 1);
  pool.give_block(block.index);
  EXPECT_EQ(pool.committed_bytes(), 5 * mib);
  page_span const page = pool.take_page(0);
  EXPECT_NE(page.data, nullptr);
  EXPECT_EQ(pool.committed_bytes(), 16 * kib);
  pool.give_page(0, page.index);
  page_span const again = pool.take_block(5 * mib, 1);
  EXPECT_NE(again.data, nullptr) << "and pages make room for blocks";
  pool.give_block(again.index);
}

TEST(PagePoolCap, MagazinesOfASleepingThreadMakeRoom) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 512 * kib}};
  std::atomic<int> stage{0};
  std::jthread const sleeper{[&] {
    std::vector<page_span> pages;
    for (int i = 0; i < 32; ++i) pages.push_back(pool.take_page(0));
    for (page_span const& page : pages) pool.give_page(0, page.index);
    stage = 1;
    stage.notify_all();
    stage.wait(1);
  }};
  stage.wait(0);
  page_span const same = pool.take_page(0);
  EXPECT_NE(same.data, nullptr) << "of the same class";
  page_span const other = pool.take_page(2);
  EXPECT_NE(other.data, nullptr) << "of another class";
  EXPECT_LE(pool.committed_bytes(), 512 * kib);
  pool.give_page(0, same.index);
  pool.give_page(2, other.index);
  stage = 2;
  stage.notify_all();
}

TEST(PagePoolCap, IsNeverPassedWhileThreadsCompete) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 640 * kib, .magazine_pages = {2, 2, 2}}};
  std::atomic<int> served{0};
  test::run_threads(4, [&](std::size_t thread) {
    for (std::size_t round = 0; round < 2'000; ++round) {
      std::size_t const c = (round + thread) % page_pool::classes;
      page_span const page = pool.take_page(c);
      if (page.data == nullptr) continue;
      ++served;
      pool.give_page(c, page.index);
    }
  });
  EXPECT_GT(served, 0);
  EXPECT_LE(pool.stats().peak_committed_bytes, 640 * kib);
}

TEST(PagePoolAddresses, EndWithARefusalThatNamesThem) {
  page_pool pool{{.reserve_bytes = 16 * mib}};
  std::vector<page_span> pages;
  for (page_span page = pool.take_page(2); page.data != nullptr; page = pool.take_page(2)) pages.push_back(page);
  EXPECT_EQ(pages.size(), 64U);
  page_span const refused = pool.take_page(2);
  EXPECT_EQ(refused.reason, refusal::address_space);
  allocation_error const error = pool.error(refused, 256 * kib);
  EXPECT_THAT(error.what(), testing::HasSubstr("reserve_bytes"));
  EXPECT_EQ(error.limit(), 16 * mib);
  EXPECT_EQ(pool.take_page(0).reason, refusal::address_space);
  EXPECT_EQ(pool.take_block(100 * kib, 1).reason, refusal::address_space);
  EXPECT_EQ(pool.committed_bytes(), 16 * mib) << "refusals leave nothing charged";
  for (page_span const& page : pages) pool.give_page(2, page.index);
}

TEST(PagePoolSystem, HalvesWhatItAsksUntilTheLeastAndThenGivesUp) {
  refused_call const refused{refused_call::name::mmap, ENOMEM};
  try {
    page_pool const pool;
    FAIL() << "nothing was granted, and nothing refused";
  } catch (allocation_error const& error) {
    EXPECT_EQ(error.reason(), refusal::system);
    EXPECT_EQ(error.error_number(), ENOMEM);
  }
  EXPECT_EQ(refused.refusals(), 13U) << "64 GiB, 32 GiB, ... 16 MiB";
}

TEST(PagePoolSystem, TablesThatAreRefusedAreAnError) {
  // Granted: the addresses and the trial of the tables, then one table after the other.
  for (std::size_t granted = 2; granted < 7; ++granted) {
    refused_call const refused{refused_call::name::mmap, ENOMEM, granted};
    EXPECT_THROW(page_pool{test::small_pool()}, allocation_error) << granted;
  }
}

TEST(PagePoolSystem, ARefusedCommitIsReportedAndLeavesNothingBehind) {
  page_pool pool{test::small_pool()};
  {
    refused_call const refused{refused_call::name::mprotect, ENOMEM};
    for (page_span const& span :
         {pool.take_page(0), pool.take_page(2), pool.take_block(100 * kib, 1), pool.take_block(5 * mib, 1)}) {
      EXPECT_EQ(span.data, nullptr);
      EXPECT_EQ(span.reason, refusal::system);
      EXPECT_EQ(span.error_number, ENOMEM);
      EXPECT_EQ(pool.error(span, 1).error_number(), ENOMEM);
    }
  }
  EXPECT_EQ(pool.committed_bytes(), 0U);
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
  page_span const all = pool.take_block(64 * mib, 1);
  EXPECT_NE(all.data, nullptr) << "every span is free again";
  pool.give_block(all.index);
}

TEST(PagePoolSystem, ARefusedCommitOfACachedRunGivesTheRunUp) {
  page_pool pool{test::small_pool()};
  page_span const first = pool.take_block(5 * mib, 1);
  pool.give_block(first.index);
  {
    refused_call const refused{refused_call::name::mprotect, ENOMEM};
    EXPECT_EQ(pool.take_block(6 * mib, 1).reason, refusal::system);
  }
  EXPECT_EQ(pool.committed_bytes(), 0U);
  page_span const again = pool.take_block(6 * mib, 1);
  EXPECT_NE(again.data, nullptr);
  pool.give_block(again.index);
}

TEST(PagePoolSystem, MemoryTheKernelWillNotTakeBackStaysCountedAndUsable) {
  page_pool pool{{.reserve_bytes = 64 * mib, .idle_floor_bytes = 0}};
  page_span const page = pool.take_page(0);
  page_span const block = pool.take_block(300 * kib, 1);
  pool.give_page(0, page.index);
  pool.give_block(block.index);
  {
    refused_call const refused{refused_call::name::madvise, EINVAL};
    EXPECT_EQ(pool.trim(true), 0U);
    EXPECT_GT(refused.refusals(), 0U);
  }
  EXPECT_EQ(pool.committed_bytes(), 16 * kib + 300 * kib);
  EXPECT_EQ(pool.take_block(300 * kib, 1).data, block.data);
  pool.give_block(block.index);
  EXPECT_EQ(pool.trim(true), 16 * kib + 300 * kib);
  EXPECT_EQ(pool.committed_bytes(), 0U);
}

// ---- the real limits, in a child process

void limit(__rlimit_resource_t what, std::size_t bytes) {
  rlimit const value{bytes, bytes};
  if (::setrlimit(what, &value) != 0) std::abort();
}

TEST(PagePoolSystem, AnAccountSaysWhereTheKernelTellsNothing) {
  page_pool pool{test::small_pool()};
  arena memory{pool};
  *static_cast<char*>(memory.allocate(1)) = 1;
  refused_call const refused{refused_call::name::mincore, EPERM};
  memory_account const account = pool.account();
  EXPECT_FALSE(account.resident_known);
  EXPECT_EQ(account.total().resident_bytes, 0U);
  EXPECT_EQ(account.total().bytes, pool.reserved_bytes());
  EXPECT_EQ(account.of(memory_place::pages_in_use).pieces, 1U);
}

TEST(PagePoolSystemDeathTest, ALimitOnAddressesHalvesTheReservationAndItSaysSo) {
  if (test::sanitized) GTEST_SKIP() << "sanitizers need addresses of their own";
  EXPECT_EXIT(
      {
        limit(RLIMIT_AS, 5 * test::gib);
        page_pool pool;
        page_span const page = pool.take_page(0);
        page.data[0] = std::byte{1};
        std::fprintf(stderr, "reserved %zu MiB\n", pool.reserved_bytes() / mib);
        pool.give_page(0, page.index);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "reserved 4096 MiB");
}

TEST(PagePoolSystemDeathTest, ALimitOnAddressesTooLowForAnyPoolIsOneCleanError) {
  if (test::sanitized) GTEST_SKIP() << "sanitizers need addresses of their own";
  EXPECT_EXIT(
      {
        limit(RLIMIT_AS, mib);
        try {
          page_pool const pool;
        } catch (allocation_error const& error) {
          std::fputs(error.what(), stderr);
          std::_Exit(error.reason() == refusal::system ? 0 : 1);
        }
      },
      testing::ExitedWithCode(0), "the system refused memory.*errno 12");
}

TEST(PagePoolSystemDeathTest, ALimitOnDataRefusesCommitsAndThePoolGoesOn) {
  if (test::sanitized) GTEST_SKIP() << "sanitizers need data of their own";
  EXPECT_EXIT(
      {
        page_pool pool{{.reserve_bytes = 256 * mib}};
        arena memory{pool};
        limit(RLIMIT_DATA, 64 * mib);
        std::size_t blocks = 0;
        refusal reason = refusal::none;
        try {
          for (;; ++blocks) static_cast<void>(memory.allocate(4 * mib));
        } catch (allocation_error const& error) {
          reason = error.reason();
        }
        memory.reset();
        bool const again = memory.try_allocate(4 * mib) != nullptr;
        std::fprintf(stderr, "%d blocks or more, %s, then %d\n", blocks >= 5 ? 5 : 0, to_string(reason), again);
        memory.reset();
        std::exit(0);
      },
      testing::ExitedWithCode(0), "5 blocks or more, system, then 1");
}

}  // namespace
}  // namespace mayfly
