// All quarantines of the process, as a signal handler asks them.

#include "support.hpp"
#include <mayfly/arena.hpp>
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/schedule_point.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace mayfly {
namespace {

/// A thread that looks for an address when the process forks is not there in the child, where nobody waits for it.
TEST(QuarantineDirectory, APoolEndsInTheChildOfAForkWhileAnotherThreadLooked) {
#ifndef MAYFLY_SCHEDULE_POINTS
  GTEST_SKIP() << "built without MAYFLY_SCHEDULE_POINTS";
#else
  static std::latch* looking = nullptr;
  static std::latch* done = nullptr;
  std::latch first{1};
  std::latch second{1};
  looking = &first;
  done = &second;
  std::optional<page_pool> pool{test::small_pool()};
  pool->start_quarantine();
  set_schedule_hook([](char const* step) noexcept {
    if (std::string_view{step} != "quarantine-ask") return;
    looking->count_down();
    done->wait();
  });
  std::thread reader{[&pool] { EXPECT_FALSE(detail::find_quarantined(&pool)); }};
  looking->wait();
  set_schedule_hook(nullptr);
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(20);
    pool.reset();
    ::_exit(0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "it waited for a thread that is not there";
  done->count_down();
  reader.join();
#endif
}

TEST(QuarantineDirectory, FindsInAsManyPoolsAsThereArePlaces) {
  std::vector<std::unique_ptr<page_pool>> pools;
  std::vector<void const*> addresses;
  for (std::uint64_t owner = 1; owner <= 20; ++owner) {
    pools.push_back(std::make_unique<page_pool>(test::small_pool()));
    pools.back()->start_quarantine();
    arena memory{*pools.back(), {.owner_tag = owner}};
    addresses.push_back(memory.allocate(8));
    detail::quarantine_admission into{*pools.back()->quarantine(), {.owner = owner}};
    memory.reset_into(into);
  }
  pools[3].reset();
  for (std::size_t i = 0; i < pools.size(); ++i) {
    auto const found = detail::find_quarantined(addresses[i]);
    EXPECT_EQ(found ? found->owner : 0, i == 3 ? 0 : i + 1);
  }
}

}  // namespace
}  // namespace mayfly
