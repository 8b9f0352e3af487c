// The page budget is moved while the pool is in use.

#include "support.hpp"
#include <mayfly/detail/poison.hpp>
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

constexpr std::size_t page = 16 * kib;

std::vector<page_span> take_pages(page_pool& pool, std::size_t count) {
  std::vector<page_span> pages;
  for (std::size_t i = 0; i < count; ++i) pages.push_back(pool.take_page(0));
  return pages;
}

void give_pages(page_pool& pool, std::vector<page_span> const& pages) {
  for (page_span const& one : pages) pool.give_page(0, one.index);
}

TEST(PagePoolResizing, ARaisedLimitGivesTheLastPageThatFitsAndNoMore) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 4 * page}};
  auto pages = take_pages(pool, 4);
  EXPECT_EQ(pool.take_page(0).reason, refusal::page_cap);
  EXPECT_EQ(pool.set_max_bytes(6 * page - 1), 0U);
  EXPECT_EQ(pool.max_bytes(), 6 * page - 1);
  pages.push_back(pool.take_page(0));
  EXPECT_NE(pages.back().data, nullptr);
  page_span const refused = pool.take_page(0);
  EXPECT_EQ(refused.reason, refusal::page_cap);
  EXPECT_EQ(pool.error(refused, page).limit(), 6 * page - 1) << "the limit as it is now";
  EXPECT_EQ(pool.options().max_bytes, 4 * page) << "what it was made with";
  give_pages(pool, pages);
}

TEST(PagePoolResizing, ALoweredLimitTakesIdleMemoryFirstAndAtOnce) {
  page_pool pool{{.reserve_bytes = 64 * mib}};
  auto const held = take_pages(pool, 8);
  give_pages(pool, take_pages(pool, 56));
  page_span const block = pool.take_block(300 * kib, 1);
  pool.give_block(block.index);
  EXPECT_EQ(pool.committed_bytes(), 64 * page + 300 * kib);
  EXPECT_GE(pool.set_max_bytes(16 * page), 48 * page + 300 * kib) << "of blocks, the depot and this thread's magazines";
  EXPECT_LE(pool.committed_bytes(), 16 * page);
  EXPECT_GE(pool.committed_bytes(), 8 * page);
  EXPECT_EQ(pool.stats().classes[0].in_use, 8U) << "nobody lost any";
  give_pages(pool, held);
}

TEST(PagePoolResizing, BelowWhatIsHeldNothingNewIsGivenUntilEnoughHasComeBack) {
  page_pool pool{{.reserve_bytes = 64 * mib, .magazine_pages = {1, 1, 1}}};
  auto const held = take_pages(pool, 32);
  pool.set_max_bytes(8 * page);
  EXPECT_EQ(pool.committed_bytes(), 32 * page) << "what is held is kept";
  EXPECT_EQ(pool.take_page(0).reason, refusal::page_cap);
  EXPECT_EQ(pool.take_block(300 * kib, 1).reason, refusal::page_cap);
  give_pages(pool, held);
  EXPECT_LE(pool.committed_bytes(), 8 * page) << "what came back went on to the system";
  auto const again = take_pages(pool, 8);
  for (page_span const& one : again) EXPECT_NE(one.data, nullptr);
  EXPECT_EQ(pool.take_page(0).reason, refusal::page_cap);
  give_pages(pool, again);
}

TEST(PagePoolResizing, BlocksGivenBackAboveTheLimitGoOnToTheSystem) {
  page_pool pool{{.reserve_bytes = 64 * mib}};
  page_span const piece = pool.take_block(300 * kib, 1);
  page_span const run = pool.take_block(5 * mib, 1);
  pool.set_max_bytes(page);
  pool.give_block(run.index);
  EXPECT_EQ(pool.committed_bytes(), 300 * kib);
  pool.give_block(piece.index);
  EXPECT_EQ(pool.committed_bytes(), 0U);
}

TEST(PagePoolResizing, AnEpochTakesWhatThreadsHaveAtHandAboveTheLimit) {
  page_pool pool{{.reserve_bytes = 64 * mib}};
  auto const held = take_pages(pool, 17);
  pool.set_max_bytes(4 * page);
  give_pages(pool, held);
  EXPECT_EQ(pool.committed_bytes(), 17 * page) << "all of it fits this thread's magazines";
  EXPECT_GE(pool.end_epoch(), 13 * page);
  EXPECT_LE(pool.committed_bytes(), 4 * page);
}

TEST(PagePoolResizing, RoomIsWhatIsLeftOfTheLimitBesideWhatIsHeld) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = 16 * page}};
  auto const held = take_pages(pool, 4);
  give_pages(pool, take_pages(pool, 12));
  EXPECT_TRUE(pool.has_room(12 * page)) << "idle pages are room";
  EXPECT_FALSE(pool.has_room(12 * page + 1));
  pool.set_max_bytes(5 * page);
  EXPECT_TRUE(pool.has_room(page));
  EXPECT_FALSE(pool.has_room(page + 1));
  pool.set_max_bytes(2 * page);
  EXPECT_FALSE(pool.has_room(0)) << "more is held than there may be";
  pool.set_max_bytes(page_pool_options::unlimited);
  EXPECT_TRUE(pool.has_room(60 * mib));
  give_pages(pool, held);
}

TEST(PagePoolResizing, ALimitBelowOnePageIsRefusedAndTheOldOneStays) {
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = mib}};
  EXPECT_THROW(pool.set_max_bytes(page - 1), std::invalid_argument);
  EXPECT_EQ(pool.max_bytes(), mib);
  EXPECT_EQ(pool.set_max_bytes(page), 0U);
}

/// Takes and gives in turn, writing each page, for as long as `goes_on`.
void use_pages(page_pool& pool, std::size_t thread, std::atomic<bool> const& goes_on,
               std::atomic<std::size_t>& served) {
  for (std::size_t round = thread; goes_on; ++round) {
    std::size_t const c = round % page_pool::classes;
    page_span const one = pool.take_page(c);
    page_span const block = round % 64 == 0 ? pool.take_block(300 * kib, 1) : page_span{};
    if (one.data != nullptr) {
      detail::unpoison(one.data, one.bytes);
      one.data[0] = one.data[one.bytes - 1] = std::byte{1};
      detail::poison(one.data, one.bytes);
      ++served;
      pool.give_page(c, one.index);
    }
    if (block.data != nullptr) pool.give_block(block.index);
  }
}

TEST(PagePoolResizing, NoLimitThatWasSetIsPassedWhileThreadsCompete) {
  constexpr std::size_t least = 640 * kib;
  constexpr std::size_t most = 4 * mib;
  page_pool pool{{.reserve_bytes = 64 * mib, .max_bytes = most, .magazine_pages = {2, 2, 2}}};
  std::atomic<bool> goes_on{true};
  std::atomic<std::size_t> served{0};
  std::vector<std::jthread> users;
  for (std::size_t thread = 0; thread < 3; ++thread) {
    users.emplace_back([&, thread] { use_pages(pool, thread, goes_on, served); });
  }
  for (int i = 0; i < 400; ++i) {
    std::size_t const before = served;
    pool.set_max_bytes(i % 2 == 0 ? least : most);
    while (served < before + 10) std::this_thread::yield();  // they are served under either limit
  }
  goes_on = false;
  users.clear();
  EXPECT_LE(pool.stats().peak_committed_bytes, most);
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
  EXPECT_EQ(pool.stats().blocks_in_use, 0U);
  pool.set_max_bytes(least);
  EXPECT_LE(pool.committed_bytes(), least);
  pool.trim(true);
  std::size_t idle = pool.stats().idle_block_bytes;
  for (auto const& of : pool.stats().classes) idle += (of.in_magazines + of.in_depot) * of.page_bytes;
  EXPECT_EQ(pool.committed_bytes(), idle) << "nothing charged was lost";
}

}  // namespace
}  // namespace mayfly
