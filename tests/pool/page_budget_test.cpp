// The page budget of an executor, moved while requests run.

#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/page_budget.hpp>
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using mayfly::admission_reason;
using mayfly::executor;
using mayfly::request_context;
using mayfly::test::ignore;
using mayfly::test::wait_until;

constexpr std::size_t mib = std::size_t{1} << 20U;

admission_reason ask(executor& pool) {
  return pool.try_submit({}, [](request_context&) {}, ignore).reason();
}

void let_end(executor const& pool) {
  wait_until([&] { return pool.stats().in_flight == 0; });
}

/// A request that holds so much memory until it is let go.
class holder {
 public:
  holder(executor& pool, std::size_t bytes) {
    EXPECT_TRUE(pool.try_submit(
        {},
        [this, bytes](request_context& request) {
          for (std::size_t taken = 0; taken < bytes; taken += 16'000) {
            all_ = request.arena().try_allocate(16'000) != nullptr && all_;
          }
          holds_.count_down();
          end_.wait();
        },
        ignore));
    holds_.wait();
  }
  void let_go() { end_.count_down(); }
  [[nodiscard]] bool has_all() const { return all_; }

 private:
  bool all_ = true;
  std::latch holds_{1};
  std::latch end_{1};
};

TEST(MovedPageBudget, IsWhatAdmissionGoesByFromThenOn) {
  executor pool{{.workers = 1, .page_budget_bytes = 64 * mib}};
  holder large{pool, 4 * mib};
  EXPECT_TRUE(large.has_all());
  pool.set_page_budget(2 * mib);
  EXPECT_EQ(ask(pool), admission_reason::over_budget) << "4 MiB are held";
  pool.set_page_budget(64 * mib);
  EXPECT_EQ(ask(pool), admission_reason::accepted);
  pool.set_page_budget(2 * mib);
  EXPECT_EQ(ask(pool), admission_reason::over_budget);
  pool.set_page_budget(0);
  EXPECT_EQ(ask(pool), admission_reason::accepted) << "no limit";
  pool.set_page_budget(2 * mib);
  large.let_go();
  let_end(pool);
  EXPECT_EQ(ask(pool), admission_reason::accepted) << "what was held is room again";
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  pool.pages().end_epoch();
  EXPECT_LE(pool.pages().committed_bytes(), 2 * mib);
}

TEST(MovedPageBudget, SetsLimitsToArenasOfRequestsThatRun) {
  executor pool{{.workers = 2}};
  holder before{pool, mib};
  pool.set_page_budget(2 * mib);
  holder after{pool, 4 * mib};
  EXPECT_FALSE(after.has_all()) << "no limit when it was made, but now";
  before.let_go();
  after.let_go();
  let_end(pool);
}

TEST(MovedPageBudget, IsWhatPredictionsAreHeldAgainst) {
  executor pool{{.workers = 1}};
  auto const request = [&] {
    return pool.try_submit(
        {.route = "large"}, [](request_context& of) { static_cast<void>(of.arena().allocate(2000 * 1024)); }, ignore);
  };
  auto const accepted = [&] {
    holder busy{pool, 0};
    std::size_t count = 0;
    for (int i = 0; i < 10; ++i) count += request() ? 1U : 0U;
    busy.let_go();
    let_end(pool);
    return count;
  };
  auto const learn = [&] {
    for (int i = 0; i < 64; ++i) {
      EXPECT_TRUE(request());
      let_end(pool);
    }
  };
  learn();
  EXPECT_EQ(accepted(), 10U) << "nothing is set aside where there is no limit";
  pool.set_page_budget(9 * mib);
  learn();
  EXPECT_EQ(accepted(), 4U) << "2 MiB each";
  pool.set_page_budget(5 * mib);
  EXPECT_EQ(accepted(), 2U);
}

TEST(MovedPageBudget, IsRefusedWhereNotOnePageFits) {
  executor pool{{.workers = 1, .page_budget_bytes = mib}};
  EXPECT_THROW(pool.set_page_budget(16 * 1024 - 1), std::invalid_argument);
  EXPECT_EQ(pool.pages().max_bytes(), mib);
}

TEST(MovedPageBudget, LosesNoRequestWhileItMoves) {
  executor pool{{.workers = 2, .max_queued = 256}};
  std::atomic<std::size_t> accepted{0};
  std::atomic<std::size_t> completed{0};
  std::atomic<std::size_t> out_of_memory{0};
  {
    std::vector<std::jthread> submitters;
    for (int thread = 0; thread < 2; ++thread) {
      submitters.emplace_back([&] {
        for (int i = 0; i < 5'000; ++i) {
          accepted += pool.try_submit(
                          {.route = "some"},
                          [&, size = 1'000 + i % 64 * 8'000](request_context& request) {
                            if (request.arena().try_allocate(static_cast<std::size_t>(size)) == nullptr)
                              ++out_of_memory;
                          },
                          [&](auto const&, request_context&) { ++completed; })
                          ? 1U
                          : 0U;
        }
      });
    }
    for (int i = 0; i < 300; ++i) {
      pool.set_page_budget(i % 3 == 0 ? 256 * 1024 : i % 3 == 1 ? 8 * mib : 0);
      std::this_thread::yield();
    }
  }
  let_end(pool);
  EXPECT_GT(accepted, 0U);
  wait_until([&] { return pool.pages().stats().pages_in_use() == 0; });
  EXPECT_EQ(completed, accepted);
  pool.set_page_budget(mib);
  EXPECT_LE(pool.pages().committed_bytes(), mib);
  EXPECT_TRUE(pool.try_submit({.route = "some"}, [](request_context&) {}, ignore)) << "nothing is set aside any more";
}

TEST(CommonPageBudget, OneExecutorsRequestsDoNotStarveAnothers) {
  mayfly::page_budget common{8 * mib};
  executor batches{{.workers = 1, .page_budget_bytes = 6 * mib, .common_budget = &common}};
  executor answers{{.workers = 1, .page_budget_bytes = 4 * mib, .common_budget = &common}};
  holder greedy{batches, 7 * mib};
  EXPECT_FALSE(greedy.has_all());
  EXPECT_EQ(ask(batches), admission_reason::over_budget);
  holder modest{answers, mib};
  EXPECT_TRUE(modest.has_all()) << "2 MiB are its own";
  EXPECT_EQ(ask(answers), admission_reason::accepted);
  greedy.let_go();
  modest.let_go();
  let_end(batches);
  let_end(answers);
}

TEST(CommonPageBudget, IdleMemoryOfOneExecutorIsRoomForAnother) {
  mayfly::page_budget common{4 * mib};
  executor first{{.workers = 1, .common_budget = &common, .trim_interval = 0ns}};
  executor second{{.workers = 1, .common_budget = &common, .trim_interval = 0ns}};
  holder before{first, 3 * mib};
  EXPECT_FALSE(second.pages().has_room(3 * mib));
  common.set_limit(3 * mib);
  EXPECT_EQ(ask(second), admission_reason::over_budget);
  common.set_limit(4 * mib);
  before.let_go();
  let_end(first);
  wait_until([&] { return first.pages().stats().pages_in_use() == 0; });
  holder after{second, 3 * mib};
  EXPECT_TRUE(after.has_all());
  EXPECT_LE(common.used(), 4 * mib);
  after.let_go();
  let_end(second);
}

TEST(CommonPageBudget, BelongsToThePoolWhereOneIsGiven) {
  mayfly::page_budget common{4 * mib};
  mayfly::page_pool pages;
  EXPECT_THROW((executor{{.workers = 1, .common_budget = &common, .pages = &pages}}), std::invalid_argument);
}

}  // namespace
