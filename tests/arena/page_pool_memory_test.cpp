// Idle memory is really given back: seen in what is resident of the pool's addresses, with generous bounds.

#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

/// Not of the whole process: a sanitizer keeps what it has noted of memory.
std::size_t resident_bytes(page_pool const& pool) {
  auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> flags(pool.reserved_bytes() / page);
  EXPECT_EQ(::mincore(pool.page_address(0), flags.size() * page, flags.data()), 0);
  return page * static_cast<std::size_t>(std::count_if(flags.begin(), flags.end(), [](auto f) { return f & 1U; }));
}

void touch_pages(page_pool& pool, std::size_t bytes) {
  arena memory{pool};
  for (std::size_t taken = 0; taken < bytes; taken += 60 * kib) {
    std::memset(memory.allocate(60 * kib), 1, 60 * kib);
  }
}

TEST(PagePoolMemory, IdleCapIsWhatStaysResident) {
  page_pool pool{{.reserve_bytes = 512 * mib, .idle_cap_bytes = 4 * mib}};
  touch_pages(pool, 200 * mib);
  EXPECT_LT(pool.committed_bytes(), 16 * mib);
  EXPECT_LT(resident_bytes(pool), 16 * mib);
  EXPECT_GT(pool.stats().peak_committed_bytes, 200 * mib);
}

TEST(PagePoolMemory, PagesKeptUnderTheCapStayResidentUntilTrimmed) {
  page_pool pool{{.reserve_bytes = 512 * mib, .idle_floor_bytes = 0}};
  touch_pages(pool, 200 * mib);
  EXPECT_GT(resident_bytes(pool), 150 * mib) << "kept warm";
  std::size_t const idle = pool.committed_bytes();
  EXPECT_EQ(pool.trim(true), idle);
  EXPECT_LT(resident_bytes(pool), 16 * mib);
  EXPECT_EQ(pool.committed_bytes(), 0U);
}

TEST(PagePoolMemory, ALargeBlockGoesBackAsSoonAsItIsFreed) {
  page_pool pool{{.reserve_bytes = 512 * mib}};
  arena memory{pool};
  void* const block = memory.allocate(200 * mib);
  std::memset(block, 1, 200 * mib);
  EXPECT_GT(resident_bytes(pool), 150 * mib);
  memory.deallocate(block, 200 * mib);
  EXPECT_LT(resident_bytes(pool), 16 * mib);
}

}  // namespace
}  // namespace mayfly
