#include "resident_memory.hpp"
#include "support.hpp"
#include "system_calls.hpp"
#include <mayfly/detail/whole_spans.hpp>
#include <mayfly/page_budget.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/schedule_point.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/mman.h>

// In which order memory goes back, how, and what huge pages there are.
namespace mayfly {
namespace {

using test::calls_of;
using test::kib;
using test::mib;
using test::refused_call;
using test::smaps_bytes;

constexpr std::size_t span_bytes = 2 * mib;
constexpr std::size_t pages_of_a_span = span_bytes / (16 * kib);

page_pool_options nothing_at_hand(std::size_t floor_bytes) {
  return {.reserve_bytes = 64 * mib, .magazine_pages = {8, 1, 1}, .idle_floor_bytes = floor_bytes, .idle_epochs = 1};
}

/// Takes and writes as many pages as the spans have.
std::vector<page_span> fill_spans(page_pool& pool, std::size_t spans) {
  std::vector<page_span> pages;
  for (std::size_t i = 0; i < spans * pages_of_a_span; ++i) {
    pages.push_back(pool.take_page(0));
    detail::unpoison(pages.back().data, pages.back().bytes);
    std::memset(pages.back().data, 1, pages.back().bytes);
  }
  return pages;
}

/// How many of a span's pages of the system are resident.
std::size_t resident_pages(page_pool const& pool, std::size_t span) {
  std::array<unsigned char, span_bytes / (4 * kib)> flags{};
  if (::mincore(pool.page_address(0) + span * span_bytes, span_bytes, flags.data()) != 0) return flags.size();
  return static_cast<std::size_t>(std::ranges::count_if(flags, [](unsigned char flag) { return (flag & 1U) != 0; }));
}

std::size_t spans_with_memory(page_pool const& pool, std::size_t spans) {
  std::size_t with = 0;
  for (std::size_t span = 0; span < spans; ++span) with += resident_pages(pool, span) != 0 ? 1U : 0U;
  return with;
}

/// Pages of four spans in any order, one of the third in use for good. Returns that one.
page_span leave_one_in_use(page_pool& pool, std::vector<page_span>& pages) {
  page_span const kept = pages[2 * pages_of_a_span + 17];
  std::erase_if(pages, [&](page_span const& page) { return page.index == kept.index; });
  std::shuffle(pages.begin(), pages.end(), std::minstd_rand{static_cast<unsigned>(test::test_seed())});
  for (page_span const& page : pages) pool.give_page(0, page.index);
  return kept;
}

TEST(WholeSpans, GoBeforeSpansOfWhichSomethingStays) {
  page_pool pool{nothing_at_hand(/*floor_bytes=*/50 * 16 * kib)};
  auto pages = fill_spans(pool, 4);
  page_span const kept = leave_one_in_use(pool, pages);
  EXPECT_EQ(spans_with_memory(pool, 4), 4U);
  pool.trim(true);
  EXPECT_EQ(pool.stats().classes[0].in_depot, 50U) << "the floor";
  EXPECT_EQ(spans_with_memory(pool, 4), 1U) << "of the span that is in use anyway";
  EXPECT_EQ(resident_pages(pool, 2), 51 * 4U);
  pool.give_page(0, kept.index);
}

TEST(WholeSpans, GoFirstByTheWorkingSetRuleToo) {
  page_pool pool{nothing_at_hand(/*floor_bytes=*/50 * 16 * kib)};
  auto pages = fill_spans(pool, 4);
  page_span const kept = leave_one_in_use(pool, pages);
  for (int epoch = 0; epoch < 4; ++epoch) pool.end_epoch();
  EXPECT_EQ(pool.stats().classes[0].in_depot, 50U);
  EXPECT_EQ(spans_with_memory(pool, 4), 1U);
  pool.give_page(0, kept.index);
}

TEST(WholeSpans, AreSortedByWhatStaysAndThenByAddress) {
  detail::mapped_array<detail::index_links> const links{64};
  detail::whole_spans spans{4, /*shift=*/4};  // 16 indices each
  ASSERT_TRUE(spans.ready());
  auto const sorted = [&](std::vector<std::uint32_t> const& pages) {
    detail::index_chain chain;
    for (std::uint32_t const page : pages) chain = chain.with(&links[0], page);
    std::scoped_lock const lock{spans.in_hand()};
    chain = spans.sort(&links[0], chain);
    std::vector<std::uint32_t> order;
    for (; !chain.empty(); chain = chain.tail(&links[0])) order.push_back(chain.head());
    return order;
  };
  using order = std::vector<std::uint32_t>;
  EXPECT_EQ(sorted({}), order{});
  EXPECT_EQ(sorted({5}), order{5});
  EXPECT_EQ(sorted({40, 3, 18, 33, 17, 2, 34}), (order{33, 34, 40, 2, 3, 17, 18})) << "three, two, two";
  spans.count_returned(20);
  spans.count_returned(21);
  EXPECT_EQ(sorted({40, 3, 18, 33, 17, 2, 34}), (order{17, 18, 33, 34, 40, 2, 3})) << "two and two that went before";
  spans.count_taken(21);
  EXPECT_EQ(sorted({3, 18, 17, 2}), (order{17, 18, 2, 3}));
}

TEST(WholeSpans, NeighboursGoInOneCall) {
  page_pool pool{nothing_at_hand(/*floor_bytes=*/0)};
  auto const pages = fill_spans(pool, 4);
  for (page_span const& page : pages) pool.give_page(0, page.index);
  std::size_t const before = calls_of(refused_call::name::madvise);
  EXPECT_EQ(pool.trim(true), 4 * span_bytes);
  EXPECT_EQ(calls_of(refused_call::name::madvise), before + 4);
}

TEST(WholeSpans, WhatTheSystemWillNotTakeStays) {
  page_pool pool{nothing_at_hand(/*floor_bytes=*/0)};
  auto const pages = fill_spans(pool, 4);
  for (page_span const& page : pages) pool.give_page(0, page.index);
  {
    refused_call const madvise{refused_call::name::madvise, ENOMEM, /*granted=*/2};
    EXPECT_EQ(pool.trim(true), 2 * span_bytes);
  }
  page_class_stats const now = pool.stats().classes[0];
  EXPECT_EQ(now.in_depot, 2 * pages_of_a_span);
  EXPECT_EQ(now.returned, 2 * pages_of_a_span);
  EXPECT_EQ(pool.committed_bytes(), 2 * span_bytes);
  EXPECT_EQ(pool.trim(true), 2 * span_bytes);
}

TEST(WholeSpans, NobodyIsRefusedWhatSomebodySorts) {
  constexpr std::size_t all = 3'000;
  // All of the budget is committed, and nearly all of it stays: it is in hand to be sorted most of the time.
  page_pool pool{{.reserve_bytes = 128 * mib, .max_bytes = all * 16 * kib, .idle_floor_bytes = (all - 300) * 16 * kib}};
  {
    std::vector<page_span> pages;
    for (std::size_t i = 0; i < all; ++i) pages.push_back(pool.take_page(0));
    for (page_span const& page : pages) pool.give_page(0, page.index);
  }
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&pool](std::stop_token const& stop) {
      while (!stop.stop_requested()) {
        std::array<page_span, 80> pages;
        for (page_span& page : pages) page = pool.take_page(0);
        for (page_span const& page : pages) {
          EXPECT_NE(page.data, nullptr) << "240 and what the other has, at most, whatever is in hand";
          if (page.data != nullptr) pool.give_page(0, page.index);
        }
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    // With those of the others all but 80: some come from the system again, and trim() has work. What three threads at
    // work have at hand, or pass on, is 72 at most, and is found by nobody at that moment.
    std::vector<page_span> most;
    for (std::size_t p = 0; p < all - 320; ++p) most.push_back(pool.take_page(0));
    for (page_span const& page : most) {
      ASSERT_NE(page.data, nullptr);
      pool.give_page(0, page.index);
    }
    pool.trim(i % 2 == 0);
  }
  threads.clear();
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
  EXPECT_EQ(pool.committed_bytes(), pool.stats().idle_bytes());
}

/// Stops the first thread that has pages in hand to sort them.
struct stopped_sorter {
  enum : int { is_awaited, has_stopped, goes_on };
  inline static std::atomic<int> state{is_awaited};

  stopped_sorter() {
    state = is_awaited;
    set_schedule_hook([](char const* step) noexcept {
      int expected = is_awaited;
      if (std::string_view{step} != "pages-in-hand" || !state.compare_exchange_strong(expected, has_stopped)) return;
      while (state != goes_on) std::this_thread::yield();
    });
  }
  ~stopped_sorter() { set_schedule_hook(nullptr); }
  stopped_sorter(stopped_sorter const&) = delete;
  stopped_sorter& operator=(stopped_sorter const&) = delete;
};

TEST(WholeSpans, WhatIsInHandIsRoomAndIsWaitedForByOtherPoolsToo) {
#ifndef MAYFLY_SCHEDULE_POINTS
  GTEST_SKIP() << "needs schedule points";
#endif
  constexpr std::size_t all = 100;
  page_budget common{all * 16 * kib};
  page_pool asks{{.reserve_bytes = 64 * mib, .common_budget = &common}};
  page_pool idle{{.reserve_bytes = 64 * mib, .common_budget = &common, .idle_floor_bytes = (all - 10) * 16 * kib}};
  std::vector<page_span> pages;
  for (std::size_t i = 0; i < all; ++i) pages.push_back(idle.take_page(0));
  for (page_span const& page : pages) idle.give_page(0, page.index);
  stopped_sorter const sorter;
  std::jthread sorts([&idle] { idle.trim(true); });
  while (sorter.state != stopped_sorter::has_stopped) std::this_thread::yield();
  EXPECT_TRUE(idle.has_room(16 * kib));
  EXPECT_TRUE(asks.has_room(16 * kib));
  page_span got;
  std::jthread takes([&] { got = asks.take_page(0); });
  std::this_thread::sleep_for(std::chrono::milliseconds{50});  // time to be refused
  stopped_sorter::state = stopped_sorter::goes_on;
  sorts.join();
  takes.join();
  ASSERT_NE(got.data, nullptr);
  asks.give_page(0, got.index);
}

/// A figure of smaps, summed over the mappings that lie in the reservation.
std::size_t smaps_field(page_pool const& pool, std::string const& name) {
  auto const first = reinterpret_cast<std::uintptr_t>(pool.page_address(0));
  std::ifstream smaps{"/proc/self/smaps"};
  std::size_t sum = 0;
  bool ours = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long start = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2) {
      ours = start < first + pool.reserved_bytes() && end > first;
    } else if (ours && line.starts_with(name + ":")) {
      sum += std::stoul(line.substr(name.size() + 1)) * kib;
    }
  }
  return sum;
}

/// Whether 4 MiB that are freed lazily stay for a while, and smaps says so.
bool frees_lazily() {
  constexpr std::size_t bytes = 4 * mib;
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memset(memory, 1, bytes);
  std::array<unsigned char, bytes / (4 * kib)> flags{};
  bool const lazily = ::madvise(memory, bytes, MADV_FREE) == 0 && ::mincore(memory, bytes, flags.data()) == 0 &&
                      std::ranges::all_of(flags, [](unsigned char flag) { return (flag & 1U) != 0; });
  ::munmap(memory, bytes);
  std::ifstream smaps{"/proc/self/smaps"};
  for (std::string line; lazily && std::getline(smaps, line);) {
    if (line.starts_with("LazyFree:")) return true;
  }
  return false;
}

TEST(ReturnByFree, StaysResidentIsReturnedAndTheAccountIsStillTheKernels) {
  if (test::sanitized) GTEST_SKIP() << "a sanitizer has memory of its own beside these addresses";
  if (!frees_lazily()) GTEST_SKIP() << "this kernel takes at once what it is offered, or has no LazyFree in smaps";
  page_pool pool{{.reserve_bytes = 64 * mib,
                  .idle_floor_bytes = 0,
                  .return_by = memory_return::free,
                  .huge_pages = huge_page_use::off}};
  auto const pages = fill_spans(pool, 2);
  page_span const block = pool.take_block(500 * kib, 8);
  std::memset(block.data, 1, block.bytes);
  for (page_span const& page : pages) pool.give_page(0, page.index);
  pool.give_block(block.index);
  EXPECT_EQ(pool.trim(true), 2 * span_bytes + 500 * kib);
  EXPECT_EQ(pool.committed_bytes(), 0U) << "in no limit any more";
  memory_account const account = pool.account();
  std::size_t const returned = account.of(memory_place::returned).resident_bytes;
  EXPECT_LE(returned, 2 * span_bytes + 500 * kib);
  EXPECT_EQ(account.total().resident_bytes, smaps_bytes(pool));
  std::size_t const lazy = smaps_field(pool, "LazyFree");
  EXPECT_GE(returned, span_bytes) << "most of it stays, if not all";
  EXPECT_LE(lazy, returned);
  EXPECT_GE(lazy, returned / 4 * 3) << "all of it, but for what each processor has still to mark";
  auto const again = fill_spans(pool, 2);
  EXPECT_LE(smaps_field(pool, "LazyFree"), 500 * kib) << "what is written to is the pool's again";
  for (page_span const& page : again) pool.give_page(0, page.index);
}

TEST(ReturnByFree, GoesAtOnceWhereTheKernelCannot) {
  page_pool pool{{.reserve_bytes = 64 * mib, .idle_floor_bytes = 0, .return_by = memory_return::free}};
  auto const pages = fill_spans(pool, 1);
  for (page_span const& page : pages) pool.give_page(0, page.index);
  {
    // Both ways are refused: it stays.
    refused_call const madvise{refused_call::name::madvise, EINVAL};
    EXPECT_EQ(pool.trim(true), 0U);
    EXPECT_GE(madvise.refusals(), 2U) << "MADV_FREE, then MADV_DONTNEED";
  }
  EXPECT_EQ(pool.trim(true), span_bytes);
}

/// The word in brackets: never, madvise or always.
std::string system_huge_pages() {
  std::ifstream file{"/sys/kernel/mm/transparent_hugepage/enabled"};
  std::string line;
  std::getline(file, line);
  auto const from = line.find('[');
  return from == std::string::npos ? "none" : line.substr(from + 1, line.find(']') - from - 1);
}

TEST(HugePages, BackASpanWhereTheyAreWantedAndGoBackWhole) {
  if (test::sanitized) GTEST_SKIP() << "a sanitizer's own memory may be joined to it";
  std::string const system = system_huge_pages();
  if (system != "madvise" && system != "always") GTEST_SKIP() << "this kernel gives no huge pages: " << system;
  page_pool pool{{.reserve_bytes = 64 * mib, .idle_floor_bytes = 0, .huge_pages = huge_page_use::always}};
  auto const pages = fill_spans(pool, 4);
  if (smaps_field(pool, "AnonHugePages") == 0) GTEST_SKIP() << "the system has no 2 MiB in one piece just now";
  EXPECT_EQ(smaps_field(pool, "AnonHugePages") % span_bytes, 0U);
  for (page_span const& page : pages) pool.give_page(0, page.index);
  pool.trim(true);
  EXPECT_EQ(smaps_field(pool, "AnonHugePages"), 0U);
  EXPECT_EQ(smaps_bytes(pool), 0U) << "nothing waits to be split";
}

TEST(HugePages, AreAdvisedWhenASpanIsCutToItsEnd) {
  page_pool pool{{.reserve_bytes = 64 * mib, .huge_pages = huge_page_use::advise}};
  std::size_t const before = calls_of(refused_call::name::madvise);
  auto pages = fill_spans(pool, 1);
  EXPECT_EQ(calls_of(refused_call::name::madvise), before + 1);
  pages.push_back(pool.take_page(0));
  EXPECT_EQ(calls_of(refused_call::name::madvise), before + 1) << "the second span has only begun";
  page_span const block = pool.take_block(5 * mib, 8);
  EXPECT_EQ(calls_of(refused_call::name::madvise), before + 2) << "two whole spans of it";
  pool.give_block(block.index);
  page_span const again = pool.take_block(5 * mib, 8);
  EXPECT_EQ(again.data, block.data);
  EXPECT_EQ(calls_of(refused_call::name::madvise), before + 2) << "it has been advised";
  pool.give_block(again.index);
  for (page_span const& page : pages) pool.give_page(0, page.index);
}

TEST(HugePages, AreNeverThereWhereTheyAreOff) {
  std::size_t const before = calls_of(refused_call::name::madvise);
  page_pool pool{{.reserve_bytes = 64 * mib, .huge_pages = huge_page_use::off}};
  auto const pages = fill_spans(pool, 4);
  EXPECT_EQ(calls_of(refused_call::name::madvise), before + 1) << "for all of the reservation";
  EXPECT_EQ(smaps_field(pool, "AnonHugePages"), 0U);
  for (page_span const& page : pages) pool.give_page(0, page.index);
}

TEST(HugePages, ARefusalOfTheAdviceChangesNothing) {
  refused_call const madvise{refused_call::name::madvise, EINVAL};
  for (auto const use : {huge_page_use::system, huge_page_use::off, huge_page_use::advise, huge_page_use::always}) {
    page_pool pool{{.reserve_bytes = 64 * mib, .huge_pages = use}};
    for (page_span const& page : fill_spans(pool, 2)) pool.give_page(0, page.index);
    page_span const block = pool.take_block(5 * mib, 8);
    EXPECT_NE(block.data, nullptr);
    pool.give_block(block.index);
  }
}

}  // namespace
}  // namespace mayfly
