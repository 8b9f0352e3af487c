#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <future>
#include <latch>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using mayfly::executor;
using mayfly::request_context;

constexpr std::size_t kib = 1024;

/// The pages of a request that allocates so many bytes, piece by piece.
std::size_t pages_of(executor& pool, std::string_view route, std::size_t bytes) {
  return pool
      .submit(route,
              [bytes](request_context& request) -> std::size_t {
                for (std::size_t taken = 0; taken < bytes; taken += kib) {
                  static_cast<void>(request.arena().allocate(kib));
                }
                return request.arena().usage().page_count();
              })
      .get();
}

void teach(executor& pool, std::string_view route, std::size_t bytes) {
  for (int i = 0; i < 20; ++i) pages_of(pool, route, bytes);
}

TEST(AdaptiveFirstPage, ARouteThatIsKnownTakesOnePageWhereItTookSeveral) {
  executor pool{{.workers = 1}};
  EXPECT_GT(pages_of(pool, "report", 200 * kib), 3U);
  teach(pool, "report", 200 * kib);
  EXPECT_EQ(pages_of(pool, "report", 200 * kib), 1U);
  EXPECT_GT(pages_of(pool, "unknown", 200 * kib), 3U);
}

/// What a request of so many bytes costs, as executor_options::adaptive_first_page weighs it.
std::size_t cost_of(executor& pool, std::size_t bytes) {
  return pool
      .submit("sized",
              [bytes](request_context& request) {
                for (std::size_t taken = 0; taken < bytes; taken += 64) {
                  static_cast<void>(request.arena().allocate(64));
                }
                auto const usage = request.arena().usage();
                return usage.reserved_bytes - usage.handed_out_bytes + 4 * kib * usage.page_count();
              })
      .get();
}

TEST(AdaptiveFirstPage, IsAsGoodAsTheBestFixedOneForRequestsOfAnySize) {
  for (std::size_t const bytes : {1 * kib, 12 * kib, 20 * kib, 60 * kib, 200 * kib, 900 * kib}) {
    executor learning{{.workers = 1}};
    for (int i = 0; i < 20; ++i) cost_of(learning, bytes);
    std::size_t best = cost_of(learning, bytes);
    std::size_t const adaptive = best;
    for (std::size_t c = 0; c < mayfly::page_pool::classes; ++c) {
      executor fixed{{.workers = 1, .adaptive_first_page = false, .first_page_class = c}};
      best = std::min(best, cost_of(fixed, bytes));
    }
    EXPECT_LE(static_cast<double>(adaptive), 1.05 * static_cast<double>(best)) << bytes;
  }
}

TEST(AdaptiveFirstPage, SwitchedOffEveryRequestBeginsAlike) {
  executor pool{{.workers = 1, .adaptive_first_page = false}};
  std::size_t const pages = pages_of(pool, "report", 200 * kib);
  EXPECT_GT(pages, 3U);
  teach(pool, "report", 200 * kib);
  EXPECT_EQ(pages_of(pool, "report", 200 * kib), pages);
  EXPECT_TRUE(pool.routes().empty());
}

TEST(AdaptiveFirstPage, WhatIsUnknownBeginsAsTheOptionSays) {
  executor pool{{.workers = 1, .first_page_class = 2}};
  EXPECT_EQ(pages_of(pool, "report", 200 * kib), 1U);
}

TEST(AdaptiveFirstPage, ARequestWhoseBudgetIsSmallerThanTheKnownPageTakesASmallerOne) {
  executor pool{{.workers = 1}};
  teach(pool, "report", 200 * kib);
  auto held = pool.run({.route = "report", .request_bytes = 40 * kib}, [](request_context& request) {
    static_cast<void>(request.arena().allocate(10 * kib));
    return request.arena().usage().reserved_bytes;
  });
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held.value(), 16 * kib);
}

/// The one worker of such an executor, busy until told.
class busy_worker {
 public:
  explicit busy_worker(executor& pool)
      : running_(pool.submit("busy", [this](request_context&) {
          started_.count_down();
          end_.wait();
        })) {
    started_.wait();
  }
  void let_go() {
    end_.count_down();
    running_.get();
  }

 private:
  std::latch started_{1};
  std::latch end_{1};
  std::future<void> running_;
};

/// A future is ready before its request has ended, and an id is gone before its pages are home.
void let_end(executor& pool) {
  while (pool.stats().in_flight != 0 || pool.pages().stats().pages_in_use() != 0) std::this_thread::yield();
}

/// How many more requests of the route are accepted, of so many; they wait.
std::size_t accepted_of(executor& pool, std::string_view route, std::size_t tries,
                        std::vector<std::future<void>>& waiting) {
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < tries; ++i) {
    auto const before = pool.stats().accepted;
    waiting.push_back(pool.submit(route, [](request_context&) {}));
    accepted += pool.stats().accepted - before;
  }
  return accepted;
}

/// The same while the one worker is busy with another request, and then until all of them have run.
std::size_t accepted_while_busy(executor& pool, std::string_view route, std::size_t tries) {
  std::vector<std::future<void>> waiting;
  busy_worker busy{pool};
  std::size_t const accepted = accepted_of(pool, route, tries, waiting);
  busy.let_go();
  return accepted;
}

TEST(PredictedBytes, NoMoreRequestsAreAcceptedThanThereIsMemoryFor) {
  executor pool{{.workers = 1, .page_budget_bytes = 7 * kib * kib}};
  for (int i = 0; i < 32; ++i) pages_of(pool, "large", 2000 * kib);  // 2 MiB by the sketch
  for (int i = 0; i < 32; ++i) pages_of(pool, "small", 3 * kib);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::future<void>> waiting;
    busy_worker busy{pool};
    EXPECT_EQ(accepted_of(pool, "large", 10, waiting), 3U) << round;
    EXPECT_EQ(accepted_of(pool, "small", 10, waiting), 10U) << "there is room for these: " << round;
    EXPECT_EQ(accepted_of(pool, "unknown", 10, waiting), 10U) << round;
    busy.let_go();
    for (auto& one : waiting) one.wait();
    let_end(pool);
  }
}

TEST(PredictedBytes, OneThatNeedsMoreThanThereIsIsTriedAlone) {
  executor pool{{.workers = 1, .page_budget_bytes = 2 * kib * kib}};
  for (int i = 0; i < 32; ++i) {
    pages_of(pool, "largest", 2000 * kib);
    let_end(pool);
  }
  EXPECT_EQ(pages_of(pool, "largest", 1 * kib), 1U);
  let_end(pool);
  EXPECT_EQ(accepted_while_busy(pool, "largest", 5), 1U);
}

TEST(PredictedBytes, AreSetAsideForNobodyWhereNothingLimitsPages) {
  executor pool{{.workers = 1}};
  for (int i = 0; i < 32; ++i) pages_of(pool, "large", 2000 * kib);
  EXPECT_EQ(accepted_while_busy(pool, "large", 500), 500U);
}

TEST(PredictedBytes, AreGivenBackByARequestThatCannotBeMade) {
  executor pool{{.workers = 1, .page_budget_bytes = 7 * kib * kib}};
  for (int i = 0; i < 32; ++i) pages_of(pool, "large", 2000 * kib);
  struct thrower {
    thrower() = default;
    thrower(thrower const&) { throw 42; }
    void operator()(request_context&) const {}
  };
  thrower const handler;
  for (int i = 0; i < 20; ++i) EXPECT_THROW(static_cast<void>(pool.submit("large", handler)), int);
  EXPECT_EQ(accepted_while_busy(pool, "large", 10), 3U);
}

TEST(AdaptiveFirstPage, RoutesTellWhatTheirRequestsTook) {
  executor pool{{.workers = 1}};
  teach(pool, "report", 200 * kib);
  teach(pool, "nothing", 0);
  static_cast<void>(pool.drain(std::chrono::seconds{10}, std::chrono::seconds{1}));
  auto const routes = pool.routes();
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[0].route, "nothing");
  EXPECT_EQ(routes[0].requests, 20U);
  EXPECT_EQ(routes[0].without_memory, 20U);
  EXPECT_EQ(routes[0].p99_bytes, 0U);
  EXPECT_EQ(routes[1].route, "report");
  EXPECT_EQ(routes[1].requests, 20U);
  EXPECT_EQ(routes[1].without_memory, 0U);
  EXPECT_GE(routes[1].p50_bytes, 200 * kib);
  EXPECT_LE(routes[1].p50_bytes, 214 * kib);
  EXPECT_EQ(routes[1].first_page_bytes, 256 * kib);
}

}  // namespace
