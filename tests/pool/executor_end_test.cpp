#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <future>

// What is left when executors end: nothing.
namespace {

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
