#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/scope_registry.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <latch>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

// Work inside a request: parallel_for, task_group, bind.
namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::outcome;
using mayfly::outcome_kind;
using mayfly::request_context;
using mayfly::task_group;
using mayfly::test::ignore;
using mayfly::test::wait_until;

TEST(ParallelFor, CallsTheBodyOnceForEachIndex) {
  executor pool{{.workers = 3}};
  for (std::size_t const n : {0U, 1U, 2U, 7U, 1'000U, 50'000U}) {
    for (std::size_t const grain : {0U, 1U, 3U, 100'000U}) {
      auto const result = pool.run({}, [&](request_context& request) {
        std::vector<std::atomic<int>> calls(n + 5);
        request.parallel_for(5, n + 5, [&](std::size_t i) { calls[i].fetch_add(1); }, grain);
        for (std::size_t i = 0; i < n + 5; ++i) {
          if (calls[i] != (i < 5 ? 0 : 1)) return false;
        }
        return true;
      });
      auto copy = result;
      EXPECT_TRUE(copy.value()) << n << " by " << grain;
    }
  }
}

TEST(ParallelFor, RunsOnIdleWorkersToo) {
  executor pool{{.workers = 3}};
  std::latch all(3);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  // Three pieces that wait for each other: they end only if three threads run them.
  auto const result = pool.run({}, [&](request_context& request) {
    request.parallel_for(0, 3, [&](std::size_t) {
      {
        std::scoped_lock const lock(mutex);
        threads.insert(std::this_thread::get_id());
      }
      all.arrive_and_wait();
    });
  });
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(threads.size(), 3U);
  EXPECT_GE(pool.stats().helped_chunks, 2U);
}

TEST(ParallelFor, RunsEachPieceInTheRequestsScopeInItsThreadsLane) {
  executor pool{{.workers = 2}};
  auto const result = pool.run({}, [&](request_context& request) {
    std::latch both(2);
    std::array<void*, 2> memory{};
    request.parallel_for(0, 2, [&](std::size_t i) {
      both.arrive_and_wait();  // two threads
      EXPECT_EQ(mayfly::current_scope(), &request.scope());
      memory[i] = request.arena().allocate(100);
      std::memset(memory[i], static_cast<int>(i), 100);
    });
    EXPECT_NE(memory[0], nullptr);
    EXPECT_NE(memory[1], nullptr);
    EXPECT_EQ(request.scope().lane_count(), 1U) << "the helper's, beside the worker's own";
    EXPECT_EQ(mayfly::current_scope(), &request.scope());
  });
  EXPECT_TRUE(result.has_value());
}

TEST(ParallelFor, NestsAndKeepsItsScope) {
  executor pool{{.workers = 3}};
  auto result = pool.run({}, [&](request_context& request) {
    std::atomic<int> sum{0};
    request.parallel_for(0, 20, [&](std::size_t) {
      request.parallel_for(0, 20, [&](std::size_t) {
        if (mayfly::current_scope() == &request.scope()) sum.fetch_add(1);
      });
    });
    return sum.load();
  });
  EXPECT_EQ(result.value(), 400);
}

TEST(ParallelFor, PassesOnWhatAPieceThrewAndJoinsTheOthersFirst) {
  executor pool{{.workers = 3}};
  std::atomic<int> inside{0};
  auto const throwing = [&](request_context& request) {
    request.parallel_for(0, 1'000, [&](std::size_t i) {
      inside.fetch_add(1);
      std::this_thread::yield();
      inside.fetch_sub(1);
      if (i == 500) throw 42;
    });
  };
  for (int i = 0; i < 50; ++i) {
    auto const result = pool.run({}, [&](request_context& request) {
      try {
        throwing(request);
      } catch (int value) {
        EXPECT_EQ(value, 42);
        EXPECT_EQ(inside.load(), 0) << "all pieces have ended";
        throw std::domain_error("on its way out");
      }
    });
    EXPECT_EQ(result.kind(), outcome_kind::exception);
    EXPECT_THROW(std::rethrow_exception(result.error()), std::domain_error);
  }
  EXPECT_EQ(pool.run({}, [](request_context&) { return 1; }).value(), 1) << "its request only";
}

TEST(ParallelFor, IsCutShortByACancellationAndByTheDeadline) {
  executor pool{{.workers = 2}};
  std::atomic<std::size_t> pieces{0};
  auto const cancelled = pool.run({}, [&](request_context& request) {
    EXPECT_THROW(request.parallel_for(0, 10'000'000,
                                      [&](std::size_t) {
                                        if (pieces.fetch_add(1) == 1'000) pool.request_cancel(request.id());
                                      }),
                 mayfly::request_cancelled);
  });
  EXPECT_EQ(cancelled.kind(), outcome_kind::cancelled);
  EXPECT_LT(pieces.load(), 10'000'000U);

  auto const expired = pool.run({.deadline = 10ms}, [&](request_context& request) {
    EXPECT_THROW(request.parallel_for(0, 1'000'000, [](std::size_t) { std::this_thread::sleep_for(100us); }),
                 mayfly::request_expired);
  });
  EXPECT_EQ(expired.kind(), outcome_kind::expired);
}

/// A loop within other nested work, which may end early meanwhile.
struct inner_loop {
  std::atomic<bool> begun{false};
  std::atomic<std::size_t> calls{0};
  std::atomic<std::size_t> calls_at_return{0};

  void run(request_context& request, std::atomic<bool> const& outer_ends) {
    request.parallel_for(0, 64, [&](std::size_t) {
      begun = true;
      wait_until([&] { return outer_ends.load(); });
      std::this_thread::sleep_for(1ms);  // gives what comes from outside the time to cut this loop short, if it can
      calls.fetch_add(1);
    });
    calls_at_return = calls.load();
  }
};

TEST(NestedLoop, RunsToItsEndWhereAGroupAroundItIsCancelled) {
  executor pool{{.workers = 2}};
  auto result = pool.run({}, [](request_context& request) {
    inner_loop inner;
    std::atomic<bool> ends{false};
    task_group group{request};
    group.run([&] { inner.run(request, ends); });
    wait_until([&] { return inner.begun.load(); });
    group.cancel();
    ends = true;
    group.wait();
    return inner.calls_at_return.load();
  });
  EXPECT_EQ(result.value(), 64U);
}

TEST(NestedLoop, RunsToItsEndWhereAnotherPieceOfTheLoopAroundItThrows) {
  executor pool{{.workers = 2}};
  auto result = pool.run({}, [](request_context& request) {
    inner_loop inner;
    std::atomic<bool> ends{false};
    auto const piece = [&](std::size_t i) {
      if (i == 0) return inner.run(request, ends);
      wait_until([&] { return inner.begun.load(); });
      ends = true;
      throw std::runtime_error{"another piece"};
    };
    EXPECT_THROW(request.parallel_for(0, 2, piece), std::runtime_error);
    return inner.calls_at_return.load();
  });
  EXPECT_EQ(result.value(), 64U);
}

TEST(TaskGroup, RunsItsTasksAndCanBeUsedAgain) {
  executor pool{{.workers = 2}};
  auto result = pool.run({}, [](request_context& request) {
    task_group group{request};
    std::atomic<int> sum{0};
    group.wait();  // nothing to wait for
    for (int round = 0; round < 3; ++round) {
      for (int i = 1; i <= 100; ++i) {
        group.run([&sum, i, &request] {
          if (mayfly::current_scope() == &request.scope()) sum += i;
        });
      }
      group.wait();
    }
    return sum.load();
  });
  EXPECT_EQ(result.value(), 3 * 5'050);
}

TEST(TaskGroup, RunsTasksOnIdleWorkersToo) {
  executor pool{{.workers = 2}};
  auto const result = pool.run({}, [](request_context& request) {
    std::latch both(2);
    task_group group{request};
    group.run([&] { both.arrive_and_wait(); });
    group.run([&] { both.arrive_and_wait(); });
    group.wait();
  });
  EXPECT_TRUE(result.has_value());
}

TEST(TaskGroup, IsJoinedBeforeTheScopeClosesWhenTheHandlerThrows) {
  executor pool{{.workers = 3}};
  std::atomic<int> running{0};
  std::atomic<bool> scope_seen_closed{false};
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pool.try_submit(
        {},
        [&](request_context& request) {
          task_group group{request};
          for (int t = 0; t < 8; ++t) {
            group.run([&] {
              running.fetch_add(1);
              auto* const memory = static_cast<char*>(request.arena().allocate(1'000));
              std::this_thread::yield();
              std::memset(memory, 7, 1'000);
              if (request.scope().phase() != mayfly::scope_phase::running) scope_seen_closed = true;
              running.fetch_sub(1);
            });
          }
          throw std::runtime_error("leaves its tasks behind");
        },
        [&](outcome<void> const& end, request_context&) { EXPECT_EQ(end.kind(), outcome_kind::exception); }));
  }
  EXPECT_TRUE(pool.drain(1min, 1s).complete());
  EXPECT_EQ(running.load(), 0);
  EXPECT_FALSE(scope_seen_closed.load());
}

TEST(TaskGroup, DestroysEveryClosureWhetherItRanOrNot) {
  executor pool{{.workers = 2}};
  auto const witness = std::make_shared<int>(0);
  std::atomic<int> ran{0};
  auto const result = pool.run({}, [&](request_context& request) {
    task_group group{request};
    for (int i = 0; i < 50; ++i) group.run([witness, &ran] { ++ran; });
    group.cancel();
  });
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_LE(ran.load(), 50);
}

TEST(TaskGroup, PassesOnWhatATaskThrewAndLeavesTheGroupUsable) {
  executor pool{{.workers = 2}};
  auto result = pool.run({}, [&](request_context& request) {
    task_group group{request};
    group.run([] { throw std::domain_error("one"); });
    EXPECT_THROW(group.wait(), std::domain_error);
    int value = 0;
    group.run([&] { value = 5; });
    group.wait();
    return value;
  });
  EXPECT_EQ(result.value(), 5);
}

TEST(TaskGroup, IsCutShortByACancellation) {
  executor pool{{.workers = 2}};
  auto const result = pool.run({}, [&](request_context& request) {
    task_group group{request};
    pool.request_cancel(request.id());
    bool ran = false;
    group.run([&] { ran = true; });
    EXPECT_THROW(group.wait(), mayfly::request_cancelled);
    EXPECT_FALSE(ran);
  });
  EXPECT_EQ(result.kind(), outcome_kind::cancelled);
}

TEST(Bind, TakesTheScopeAlongToAnyThread) {
  executor pool{{.workers = 1}};
  auto result = pool.run({}, [](request_context& request) {
    std::string_view copied;
    auto const copy = request.bind([&](std::string_view text) {
      copied = request.arena().copy(text);
      return mayfly::current_scope() == &request.scope();
    });
    bool inside = false;
    bool outside = true;
    std::thread other([&] {
      outside = mayfly::current_scope() != nullptr;
      inside = copy("from outside");
      outside = outside || mayfly::current_scope() != nullptr;
    });
    other.join();
    return inside && !outside && copied == "from outside";
  });
  EXPECT_TRUE(result.value());
}

TEST(Helpers, GoBackToARequestThatWaitedBeforeTheyCame) {
  executor pool{{.workers = 2}};  // one of which helps rather than take a request
  std::latch occupied(1);
  std::latch region(1);
  std::atomic<bool> submitted{false};
  std::atomic<bool> ran{false};
  ASSERT_TRUE(pool.try_submit(
      {.route = "busy"},
      [&](request_context&) {
        occupied.count_down();
        wait_until([&] { return submitted.load(); });
      },
      ignore));
  occupied.wait();
  ASSERT_TRUE(pool.try_submit(
      {.route = "nested"},
      [&](request_context& request) {
        request.parallel_for(0, 1, [&](std::size_t) {
          region.count_down();
          wait_until([&] { return ran.load(); });
        });
      },
      ignore));
  region.wait();
  // When this is pushed nobody sleeps, searches or helps; the worker that is busy now goes to help first.
  ASSERT_TRUE(pool.try_submit({.route = "waiting"}, [&](request_context&) { ran = true; }, ignore));
  submitted = true;
  wait_until([&] { return ran.load(); });
}

TEST(Helpers, GoBackToWaitingRequestsWhileLongNestedWorkRuns) {
  executor pool{{.workers = 3}};
  std::latch inside(1);
  std::atomic<bool> enough{false};
  // One piece that runs for long, with nothing left for the helpers it called.
  ASSERT_TRUE(pool.try_submit(
      {.route = "long"},
      [&](request_context& request) {
        task_group group{request};
        group.run([&] {
          inside.count_down();
          wait_until([&] { return enough.load(); });
        });
        group.run([] {});
        group.wait();
      },
      ignore));
  inside.wait();
  wait_until([&] { return pool.stats().helped_regions != 0 || pool.stats().parked < 2; });
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(pool.run({.deadline = 1min}, [](request_context&) {}).has_value());
  }
  enough = true;
}

}  // namespace
