// Where an executor's memory is, by route, against the kernel's figures and against what requests say of themselves.

#include "resident_memory.hpp"
#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/scope_hold.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <latch>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace mayfly {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr std::size_t system_page = 4 * kib;

void write(arena& memory, std::size_t bytes) { std::memset(memory.allocate(bytes), 1, bytes); }

route_account of(executor_account const& account, std::string_view route) {
  auto const found = std::find_if(account.routes.begin(), account.routes.end(),
                                  [&](route_account const& line) { return line.route == route; });
  return found == account.routes.end() ? route_account{} : *found;
}

std::size_t in_use(memory_account const& pages) {
  return pages.of(memory_place::pages_in_use).bytes + pages.of(memory_place::blocks_in_use).bytes;
}

std::uint64_t parts(memory_split const& of) {
  return of.handed_out_bytes + of.tail_waste_bytes + of.room_bytes + of.skipped_bytes + of.oversize_slack_bytes +
         of.lanes_unused_bytes;
}

void wait_until_idle(executor& pool) {
  test::wait_until([&] { return in_use(pool.account().pages) == 0 && pool.stats().in_flight == 0; });
}

void expect_complete(executor& pool) {
  std::size_t const resident = test::smaps_bytes(pool.pages());
  executor_account const account = pool.account();
  EXPECT_LE(account.pages.total().resident_bytes, resident + system_page);
  EXPECT_GE(account.pages.total().resident_bytes + system_page, resident);
  EXPECT_EQ(account.pages.total().bytes, pool.pages().reserved_bytes());
  memory_amount of_routes = account.others;
  for (auto const& line : account.routes) of_routes += line.held;
  EXPECT_EQ(of_routes.bytes, in_use(account.pages));
  EXPECT_EQ(of_routes.resident_bytes, account.pages.of(memory_place::pages_in_use).resident_bytes +
                                          account.pages.of(memory_place::blocks_in_use).resident_bytes);
}

/// Requests that have allocated, and wait until told.
class held_requests {
 public:
  held_requests(executor& pool, std::string_view route, std::size_t requests, std::size_t bytes) {
    std::latch allocated{static_cast<std::ptrdiff_t>(requests)};
    for (std::size_t i = 0; i < requests; ++i) {
      held_.push_back(pool.submit(route, [this, bytes, &allocated](request_context& request) {
        for (std::size_t left = bytes; left >= 10 * kib; left -= 10 * kib) write(request.arena(), 10 * kib);
        std::size_t const reserved = request.scope().reserved_bytes();
        allocated.count_down();
        end_.wait();
        return reserved;
      }));
    }
    allocated.wait();
  }
  ~held_requests() { static_cast<void>(end()); }
  held_requests(held_requests const&) = delete;
  held_requests& operator=(held_requests const&) = delete;

  /// What they held.
  std::size_t end() {
    if (held_.empty()) return 0;
    end_.count_down();
    std::size_t sum = 0;
    for (auto& one : std::exchange(held_, {})) sum += one.get();
    return sum;
  }

 private:
  std::latch end_{1};
  std::vector<std::future<std::size_t>> held_;
};

TEST(ExecutorAccount, HeldRequestsStandUnderTheirRoutes) {
  executor pool{{.workers = 5}};
  held_requests small{pool, "small", 3, 10 * kib};
  held_requests large{pool, "large", 2, mib};
  expect_complete(pool);
  executor_account const account = pool.account();
  ASSERT_EQ(account.routes.size(), 2U);
  EXPECT_EQ(account.routes[0].route, "large");
  EXPECT_EQ(of(account, "small").in_flight, 3U);
  EXPECT_GE(of(account, "small").held.resident_bytes, 3 * 10 * kib);
  EXPECT_EQ(of(account, "large").in_flight, 2U);
  EXPECT_GE(of(account, "large").held.resident_bytes, 2 * mib);
  EXPECT_EQ(account.others.bytes, 0U);
  EXPECT_EQ(of(account, "small").held.bytes, small.end());
  EXPECT_EQ(of(account, "large").held.bytes, large.end());

  wait_until_idle(pool);
  expect_complete(pool);
  executor_account const after = pool.account();
  EXPECT_EQ(of(after, "large").in_flight, 0U);
  EXPECT_EQ(of(after, "large").held.bytes, 0U);
  EXPECT_GE(of(after, "large").sampled.requests, 1U);
  EXPECT_GE(after.pages.of(memory_place::magazines).resident_bytes + after.pages.of(memory_place::depot).resident_bytes,
            2 * mib);
}

TEST(ExecutorAccount, WhatIsNoRequestsIsTheOthers) {
  executor pool{{.workers = 1}};
  arena own{pool.pages()};
  write(own, 100);
  held_requests one{pool, "one", 1, 10 * kib};
  expect_complete(pool);
  EXPECT_EQ(pool.account().others.bytes, own.usage().reserved_bytes);
}

TEST(ExecutorAccount, WhatAHoldKeepsIsStillItsRoutes) {
  executor pool{{.workers = 1}};
  scope_hold hold;
  pool.submit("kept",
              [&](request_context& request) {
                write(request.arena(), 100 * kib);
                hold = request.hold();
              })
      .get();
  executor_account const account = pool.account();
  EXPECT_EQ(of(account, "kept").in_flight, 1U);
  EXPECT_GE(of(account, "kept").held.resident_bytes, 100 * kib);
  expect_complete(pool);
  hold = {};
  wait_until_idle(pool);
}

TEST(ExecutorAccount, AfterATrimNothingIsResident) {
  executor pool{{.workers = 2}};
  {
    held_requests const large{pool, "large", 2, 5 * mib};
  }
  wait_until_idle(pool);
  std::size_t const floor = 3 * pool.pages().options().idle_floor_bytes;
  pool.pages().trim(true);
  expect_complete(pool);
  EXPECT_LE(pool.account().pages.total().resident_bytes, floor);
  EXPECT_GT(pool.account().pages.of(memory_place::returned).bytes, 4 * mib);
}

TEST(ExecutorAccount, TheSplitOfWhatEndedAddsUp) {
  executor pool{{.workers = 1}};
  memory_split own;
  pool.submit("mixed",
              [&](request_context& request) {
                for (int i = 0; i < 5; ++i) write(request.arena(), 5 * kib);
                write(request.arena(), 100 * kib + 1);
                own = memory_split::of(request.scope());
              })
      .get();
  wait_until_idle(pool);
  memory_split const split = of(pool.account(), "mixed").sampled;
  for (auto const figure : memory_split::figures) EXPECT_EQ(split.*figure, own.*figure);
  EXPECT_EQ(split.requests, 1U);
  EXPECT_EQ(split.blocks, 1U);
  EXPECT_GE(split.pages, 2U);
  EXPECT_EQ(parts(split), split.held_bytes);
  EXPECT_GE(split.handed_out_bytes, 25 * kib + 100 * kib + 1);
  EXPECT_EQ(split.oversize_slack_bytes, 4 * kib - 1);
  EXPECT_GT(split.tail_waste_bytes, 0U);
  EXPECT_GT(split.room_bytes, 0U);
  EXPECT_EQ(split.lanes_unused_bytes, 0U);
}

/// A second lane, made by a thread of the handler's own.
void allocate_elsewhere(request_context& request, std::size_t bytes) {
  scope_hold const hold = request.hold();
  std::jthread{[&] {
    scope_entry const entered{request.scope()};
    write(request.scope().arena(), bytes);
  }};
}

TEST(ExecutorAccount, LanesOfOtherThreadsHoldBackWhatTheyDoNotUse) {
  executor pool{{.workers = 1}};
  pool.submit("lanes",
              [](request_context& request) {
                write(request.arena(), kib);
                allocate_elsewhere(request, 3 * kib);
              })
      .get();
  wait_until_idle(pool);
  memory_split const split = of(pool.account(), "lanes").sampled;
  EXPECT_EQ(split.requests, 1U);
  EXPECT_EQ(split.pages, 2U);
  EXPECT_EQ(parts(split), split.held_bytes);
  EXPECT_GT(split.lanes_unused_bytes, 8 * kib);
  EXPECT_LT(split.lanes_unused_bytes, 13 * kib);
}

TEST(ExecutorAccount, LanesThatSomebodyMayStillUseAreNotLookedAt) {
  executor pool{{.workers = 1}};
  scope_hold hold;
  pool.submit("lanes",
              [&](request_context& request) {
                hold = request.hold();
                allocate_elsewhere(request, 3 * kib);
              })
      .get();
  pool.submit("behind it", [](request_context&) {}).get();  // the worker has ended the one before
  hold = {};
  wait_until_idle(pool);
  EXPECT_EQ(of(pool.account(), "lanes").sampled.requests, 0U);
}

/// The race detector judges it: a lane is looked at while, or just after, its thread has left.
TEST(ExecutorAccount, ALaneWhoseThreadHasJustLeftIsSeenAsItLeftIt) {
  executor pool{{.workers = 1}};
  std::vector<std::string> routes;
  routes.reserve(100);
  for (int i = 0; i < 100; ++i) routes.push_back("route " + std::to_string(i));
  for (std::string const& route : routes) {
    std::jthread other;
    pool.submit(route,
                [&](request_context& request) {
                  write(request.arena(), kib);
                  other = std::jthread{[hold = request.hold()]() mutable {
                    {
                      scope_entry const entered{hold.get()};
                      write(hold.get().arena(), 3 * kib);
                    }
                    hold = {};
                  }};
                })
        .get();
  }
  wait_until_idle(pool);
  for (auto const& line : pool.account().routes) EXPECT_EQ(parts(line.sampled), line.sampled.held_bytes) << line.route;
}

/// One request in 16 is a hundred times as large: a look at each sixteenth would see all of them or none.
TEST(ExecutorAccount, OneRequestInSixteenIsLookedAtWhateverTheirRhythm) {
  executor pool{{.workers = 1}};
  for (int i = 0; i < 4'000; ++i) {
    pool.submit("rhythm",
                [&](request_context& request) {
                  static_cast<void>(request.arena().allocate(i % 16 == 5 ? 60 * kib : 600));
                })
        .get();
  }
  memory_split const split = of(pool.account(), "rhythm").sampled;
  EXPECT_GT(split.requests, 4'000U / 24);
  EXPECT_LT(split.requests, 4'000U / 10);
  auto const large = static_cast<double>(split.handed_out_bytes) / (60.0 * kib) / static_cast<double>(split.requests);
  EXPECT_GT(large, 1.0 / 32);
  EXPECT_LT(large, 1.0 / 8);
  EXPECT_EQ(parts(split), split.held_bytes);
}

TEST(ExecutorAccount, CanBeTakenWhileRequestsRun) {
  executor pool{{.workers = 2, .max_queued = 512}};
  std::vector<std::future<void>> running;
  for (int i = 0; i < 500; ++i) {
    running.push_back(pool.submit("running", [](request_context& request) {
      for (int k = 0; k < 4; ++k) write(request.arena(), 6 * kib);
    }));
    if (i % 25 != 0) continue;
    executor_account const account = pool.account();
    EXPECT_EQ(account.pages.total().bytes, pool.pages().reserved_bytes());
  }
  for (auto& one : running) one.get();
  wait_until_idle(pool);
  expect_complete(pool);
}

TEST(ExecutorAccount, WithoutKnownRoutesThereIsNoSplit) {
  executor pool{{.workers = 1, .adaptive_first_page = false}};
  held_requests one{pool, "one", 1, 10 * kib};
  executor_account const account = pool.account();
  EXPECT_EQ(of(account, "one").held.bytes, one.end());
  wait_until_idle(pool);
  EXPECT_TRUE(pool.account().routes.empty());
}

}  // namespace
}  // namespace mayfly
