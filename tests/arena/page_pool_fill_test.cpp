// page_pool_options::fill: what is given back is overwritten.

#include "support.hpp"
#include <mayfly/arena.hpp>
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/detail/poison.hpp>
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

constexpr std::byte pattern{0xDB};

bool all_are(std::byte const* start, std::size_t bytes, std::byte value) {
  detail::unpoison(start, bytes);
  bool const same = std::all_of(start, start + bytes, [value](std::byte each) { return each == value; });
  detail::poison(start, bytes);
  return same;
}

void scribble(page_span const& memory) {
  detail::unpoison(memory.data, memory.bytes);
  std::memset(memory.data, 1, memory.bytes);
}

TEST(PagePoolFill, PagesOfEveryClassAreFilledWhenGivenBack) {
  page_pool pool{{.reserve_bytes = 64 * mib, .fill = pattern}};
  for (std::size_t c = 0; c < page_pool::classes; ++c) {
    page_span const page = pool.take_page(c);
    scribble(page);
    pool.give_page(c, page.index);
    EXPECT_TRUE(all_are(page.data, page.bytes, pattern)) << c;
  }
}

TEST(PagePoolFill, BlocksAreFilledWhenGivenBack) {
  page_pool pool{{.reserve_bytes = 64 * mib, .fill = pattern}};
  for (std::size_t const bytes : {100 * kib, 5 * mib}) {
    page_span const block = pool.take_block(bytes, 1);
    scribble(block);
    pool.give_block(block.index);
    EXPECT_TRUE(all_are(block.data, block.bytes, pattern)) << bytes;
  }
}

TEST(PagePoolFill, NothingIsTouchedWithoutIt) {
  page_pool pool{test::small_pool()};
  page_span const page = pool.take_page(0);
  scribble(page);
  pool.give_page(0, page.index);
  EXPECT_TRUE(all_are(page.data, page.bytes, std::byte{1}));
}

TEST(PagePoolFill, QuarantinedMemoryKeepsItsBytesAndIsFilledWhenItComesOut) {
  page_pool pool{{.reserve_bytes = 64 * mib, .fill = pattern}};
  pool.start_quarantine();
  arena memory{pool, {.owner_tag = 1}};
  auto* const bytes = static_cast<std::byte*>(memory.allocate(64));
  std::memset(bytes, 1, 64);
  {
    detail::quarantine_admission into{*pool.quarantine(), {.owner = 1}};
    memory.reset_into(into);
  }
  pool.release_quarantine();
  EXPECT_TRUE(all_are(bytes, 64, pattern));
}

TEST(PagePoolFill, GoesWithRecyclingOff) {
  page_pool pool{{.reserve_bytes = 16 * mib, .recycle = false, .fill = pattern}};
  for (int i = 0; i < 10; ++i) {
    page_span const page = pool.take_page(0);
    ASSERT_NE(page.data, nullptr);
    scribble(page);
    pool.give_page(0, page.index);
  }
  EXPECT_EQ(pool.stats().pages_in_use(), 0U);
}

}  // namespace
}  // namespace mayfly
