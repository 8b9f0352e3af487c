#include <mayfly/detail/virtual_thread.hpp>
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace mayfly {
namespace {

using detail::this_thread_index;
using detail::virtual_thread;

TEST(VirtualThread, HasAnIndexOfItsOwnWhileSomebodySitsInIt) {
  auto const own = this_thread_index();
  virtual_thread const first;
  virtual_thread const second;
  std::set<detail::thread_index> seen{own};
  for (virtual_thread const* each : {&first, &second}) {
    virtual_thread::seat const seat{*each};
    EXPECT_TRUE(seen.insert(this_thread_index()).second);
  }
  EXPECT_EQ(this_thread_index(), own);
}

TEST(VirtualThread, KeepsItsPagesFromTheOthersUntilItEnds) {
  page_pool pool;
  std::optional<virtual_thread> first{std::in_place};
  virtual_thread const second;
  std::uint32_t given = 0;
  {
    virtual_thread::seat const seat{*first};
    page_span const page = pool.take_page(0);
    given = page.index;
    pool.give_page(0, page.index);
  }
  EXPECT_EQ(pool.stats().classes[0].in_magazines, 1U);
  {
    virtual_thread::seat const seat{second};
    EXPECT_EQ(pool.take_cached_page(0), page_pool::no_page) << "it is in the other's magazine";
  }
  first.reset();
  EXPECT_EQ(pool.stats().classes[0].in_depot, 1U) << "as from a thread that ended";
  {
    virtual_thread::seat const seat{second};
    EXPECT_EQ(pool.take_cached_page(0), given);
    pool.give_page(0, given);
  }
}

TEST(VirtualThread, IndicesAreUsedAgain) {
  virtual_thread const kept;
  auto const limit = detail::thread_index_limit();
  for (int i = 0; i < 1000; ++i) virtual_thread const passing;
  EXPECT_LE(detail::thread_index_limit(), limit + 1);
}

}  // namespace
}  // namespace mayfly
