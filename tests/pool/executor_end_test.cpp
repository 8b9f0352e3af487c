#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/schedule_point.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <future>
#include <latch>
#include <string_view>

// What is left when executors end: nothing.
namespace {

using namespace std::chrono_literals;

using mayfly::executor;
using mayfly::request_context;
using mayfly::test::ignore;

TEST(Executor, SeveralLiveAtOnceAndComeAndGo) {
  for (int round = 0; round < 20; ++round) {
    executor one{{.workers = 2}};
    executor two{{.workers = 3}};
    auto a = one.submit("a", [](request_context& request) {
      std::atomic<int> sum{0};
      request.parallel_for(0, 50, [&](std::size_t) { ++sum; });
      return sum.load();
    });
    auto b = two.submit("b", [](request_context&) { return 2; });
    EXPECT_EQ(a.get() + b.get(), 52);
  }
}

TEST(Executor, RunsEveryAcceptedRequestWhenItIsDestroyedBusy) {
  std::atomic<int> ran{0};
  int accepted = 0;
  {
    executor pool{{.workers = 2}};
    for (int i = 0; i < 500; ++i) {
      accepted += pool.try_submit({}, [&](request_context&) { ++ran; }, ignore) ? 1 : 0;
    }
  }
  EXPECT_EQ(ran.load(), accepted);
}

#ifdef MAYFLY_SCHEDULE_POINTS
std::latch* found_none = nullptr;  // the worker has looked at the queues and found nothing
std::latch* told_to_stop = nullptr;
std::atomic<bool> armed{false};

/// The worker stands between its look at the queues and its look at the flag that ends it; meanwhile a request comes,
/// which wakes nobody, as no worker sleeps, and the executor ends.
TEST(Executor, RunsARequestThatCameBetweenAWorkersLastLookAndTheEnd) {
  std::latch looked(1);
  std::latch told(1);
  found_none = &looked;
  told_to_stop = &told;
  std::atomic<int> ran{0};
  {
    executor pool{{.workers = 1, .idle_spin = 0ns}};
    armed = true;
    mayfly::set_schedule_hook([](char const* step) noexcept {
      if (std::string_view{step} == "executor.work.found_none" && armed.exchange(false)) {
        found_none->count_down();
        told_to_stop->wait();
      } else if (std::string_view{step} == "executor.stop.told") {
        told_to_stop->count_down();
      }
    });
    // The worker sleeps, or is about to: this gets it to look once more when it is done.
    ASSERT_TRUE(pool.try_submit({}, [&](request_context&) { ++ran; }, ignore));
    looked.wait();
    ASSERT_TRUE(pool.try_submit({}, [&](request_context&) { ++ran; }, ignore));
  }
  mayfly::set_schedule_hook(nullptr);
  EXPECT_EQ(ran.load(), 2);
}
#endif

TEST(Executor, SharesAPagePoolAndLeavesNoPageInUse) {
  mayfly::page_pool pages;
  {
    executor one{{.workers = 2, .pages = &pages}};
    executor two{{.workers = 2, .pages = &pages}};
    for (executor* pool : {&one, &two}) {
      for (int i = 0; i < 100; ++i) {
        static_cast<void>(pool->submit(
            "fill", [](request_context& request) { std::memset(request.arena().allocate(100'000), 1, 100'000); }));
      }
    }
  }
  EXPECT_EQ(pages.stats().pages_in_use(), 0U);
  EXPECT_EQ(pages.stats().blocks_in_use, 0U);
}

}  // namespace
