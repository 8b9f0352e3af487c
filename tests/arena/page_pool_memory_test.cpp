// Idle memory is really given back: seen in the resident set, with generous bounds.

#include "support.hpp"
#include <mayfly/arena.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <vector>

#include <unistd.h>

namespace mayfly {
namespace {

using test::kib;
using test::mib;

std::size_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void touch_pages(page_pool& pool, std::size_t bytes) {
  arena memory{pool};
  for (std::size_t taken = 0; taken < bytes; taken += 60 * kib) {
    std::memset(memory.allocate(60 * kib), 1, 60 * kib);
  }
}

TEST(PagePoolMemory, IdleCapIsWhatStaysResident) {
  page_pool pool{{.reserve_bytes = 512 * mib, .idle_cap_bytes = 4 * mib}};
  std::size_t const before = resident_bytes();
  touch_pages(pool, 200 * mib);
  EXPECT_LT(pool.committed_bytes(), 16 * mib);
  EXPECT_LT(resident_bytes(), before + 60 * mib);
  EXPECT_GT(pool.stats().peak_committed_bytes, 200 * mib);
}

TEST(PagePoolMemory, PagesKeptUnderTheCapStayResidentUntilTrimmed) {
  page_pool pool{{.reserve_bytes = 512 * mib, .idle_floor_pages = 0}};
  std::size_t const before = resident_bytes();
  touch_pages(pool, 200 * mib);
  EXPECT_GT(resident_bytes(), before + 150 * mib) << "kept warm";
  std::size_t const idle = pool.committed_bytes();
  EXPECT_EQ(pool.trim(true), idle);
  EXPECT_LT(resident_bytes(), before + 60 * mib);
  EXPECT_EQ(pool.committed_bytes(), 0U);
}

TEST(PagePoolMemory, ALargeBlockGoesBackAsSoonAsItIsFreed) {
  page_pool pool{{.reserve_bytes = 512 * mib}};
  std::size_t const before = resident_bytes();
  arena memory{pool};
  void* const block = memory.allocate(200 * mib);
  std::memset(block, 1, 200 * mib);
  EXPECT_GT(resident_bytes(), before + 150 * mib);
  memory.deallocate(block, 200 * mib);
  EXPECT_LT(resident_bytes(), before + 60 * mib);
}

}  // namespace
}  // namespace mayfly
