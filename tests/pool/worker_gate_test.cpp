#include "support.hpp"
#include <mayfly/detail/index_ring.hpp>
#include <mayfly/detail/worker_gate.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace {

using mayfly::detail::index_ring;
using mayfly::detail::worker_gate;
using mayfly::test::wait_until;

TEST(WorkerGate, WakesNobodyWhenNobodySleeps) {
  worker_gate gate;
  EXPECT_FALSE(gate.wake_one());
  EXPECT_EQ(gate.wake(10), 0U);
}

TEST(WorkerGate, LetsASearchingWorkerFindTheWorkItself) {
  worker_gate gate;
  std::jthread sleeper([&] {
    gate.begin_search();
    gate.park([] { return false; });
  });
  wait_until([&] { return gate.parked() == 1; });
  gate.begin_search();
  EXPECT_FALSE(gate.wake_one()) << "somebody searches";
  gate.end_search();
  EXPECT_TRUE(gate.wake_one()) << "nobody does any more";
}

TEST(WorkerGate, DoesNotSleepOnWorkThatCameWhileItWasBeingCounted) {
  worker_gate gate;
  gate.begin_search();
  EXPECT_FALSE(gate.park([&] { return gate.parked() == 1; })) << "counted first, then asked";
  EXPECT_EQ(gate.parked(), 0U);
  EXPECT_EQ(gate.searching(), 0U);
}

TEST(WorkerGate, ReliesOnAWorkerThatIsOnItsWay) {
  worker_gate gate;
  bool slept_inside = true;
  gate.begin_search();
  bool const slept = gate.park([&] {
    gate.begin_search();
    slept_inside = gate.park([&] {
      EXPECT_EQ(gate.parked(), 2U);
      EXPECT_TRUE(gate.wake_one());
      EXPECT_FALSE(gate.wake_one()) << "one has been woken and has not looked yet";
      EXPECT_EQ(gate.parked(), 1U);
      EXPECT_EQ(gate.searching(), 1U);
      return true;
    });
    return true;
  });
  EXPECT_FALSE(slept_inside) << "it took itself out of the parked";
  EXPECT_TRUE(slept) << "so the post was the other's";
  EXPECT_EQ(gate.parked(), 0U);
  EXPECT_EQ(gate.searching(), 0U);
}

TEST(WorkerGate, TakesThePostOfAWakerWhoClaimedItFirst) {
  worker_gate gate;
  gate.begin_search();
  // The waker comes between counting and sleeping: the claim stands, and park() takes its post without sleeping.
  EXPECT_TRUE(gate.park([&] {
    EXPECT_TRUE(gate.wake_one());
    return true;
  }));
  EXPECT_EQ(gate.parked(), 0U);
  EXPECT_EQ(gate.searching(), 0U);
  gate.begin_search();
  std::atomic<bool> woke{false};
  std::jthread sleeper([&] {
    gate.park([] { return false; });
    woke = true;
  });
  wait_until([&] { return gate.parked() == 1; });
  EXPECT_FALSE(woke.load()) << "no post was left over";
  EXPECT_EQ(gate.wake(5), 1U);
}

/// Workers that sleep the moment they find nothing, pushers that push one at a time: if a wake-up were lost, an item
/// would stay in the ring with all workers asleep, and the test would hang (ctest's timeout says so).
void push_to_sleepers(std::uint32_t rounds) {
  constexpr int workers = 3;
  worker_gate gate;
  index_ring ring(16);
  std::atomic<std::uint32_t> popped{0};
  std::atomic<bool> stop{false};
  auto const has_work = [&] { return !ring.empty() || stop.load(std::memory_order_seq_cst); };

  std::vector<std::jthread> threads;
  for (int w = 0; w < workers; ++w) {
    threads.emplace_back([&] {
      std::uint32_t index = 0;
      bool left_search = false;
      for (;;) {
        if (ring.pop(index)) {
          if (left_search && !ring.empty()) gate.wake_one();
          left_search = false;
          popped.fetch_add(1);
        } else if (!ring.empty()) {
          std::this_thread::yield();
        } else if (stop.load()) {
          return;
        } else {
          gate.begin_search();
          left_search = true;
          if (has_work()) {
            gate.end_search();
          } else {
            gate.park(has_work);
          }
        }
      }
    });
  }
  std::minstd_rand random(static_cast<unsigned>(mayfly::test::seed()));
  mayfly::test::time_to_spend const time;
  for (std::uint32_t pushed = 0; pushed < rounds && !time.spent();) {
    std::uint32_t const burst = 1 + static_cast<std::uint32_t>(random() % 4);
    for (std::uint32_t i = 0; i < burst; ++i) {
      while (ring.push(pushed) != index_ring::push_result::pushed) std::this_thread::yield();
      ++pushed;
      gate.wake_one();
    }
    wait_until([&] { return popped.load() == pushed; });
  }
  stop.store(true, std::memory_order_seq_cst);
  gate.wake(workers);
}

TEST(WorkerGate, LosesNoWakeUpBetweenPushersAndSleepers) { push_to_sleepers(20'000); }

TEST(WorkerGate, LosesNoWakeUpUnderShakenSchedules) {
  mayfly::test::shaken_schedules const shaken;
  push_to_sleepers(5'000);
}

}  // namespace
