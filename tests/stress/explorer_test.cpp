#include <mayfly/explorer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace {

namespace explorer = mayfly::explorer;
using explorer::explored_atomics;
using explorer::strategy;
using testing::HasSubstr;
using testing::Optional;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

/// Counts the ways in which two threads of so many steps each can run.
explorer::report count_ways(std::uint32_t steps, std::uint32_t preemptions) {
  return explorer::explore({.preemptions = preemptions, .stale_reads = 0}, [=](explorer::execution& run) {
    auto const x = std::make_shared<explorer::atomic<int>>(0);
    for (int thread = 0; thread < 2; ++thread) {
      run.thread([x, steps] {
        for (std::uint32_t i = 0; i < steps; ++i) x->store(1, relaxed);
      });
    }
  });
}

TEST(Explorer, SeesEveryInterleavingOnce) {
  // With s steps each there are C(2s, s) ways to weave two threads.
  EXPECT_EQ(count_ways(1, 8).executions, 2U);
  EXPECT_EQ(count_ways(2, 8).executions, 6U);
  EXPECT_EQ(count_ways(5, 16).executions, 252U);
  EXPECT_TRUE(count_ways(5, 16).exhausted);
  EXPECT_EQ(count_ways(5, 0).executions, 2U) << "without preemption one goes first";
}

/// One thread writes data and a flag, the other reads the data when it sees the flag.
explorer::report publish(std::memory_order write, std::memory_order read) {
  struct shared {
    explorer::var<int> data;
    explorer::atomic<bool> flag{false};
  };
  return explorer::explore({}, [=](explorer::execution& run) {
    auto const state = std::make_shared<shared>();
    run.thread([=] {
      state->data = 42;
      state->flag.store(true, write);
    });
    run.thread([=] {
      if (state->flag.load(read)) explorer::require(state->data == 42, "the data is there");
    });
    run.finally([=] { explorer::require(state->data == 42, "the data stays"); });
  });
}

TEST(Explorer, FindsTheRaceOfAPublicationWithoutItsEdge) {
  EXPECT_FALSE(publish(release, acquire).failure);
  EXPECT_TRUE(publish(release, acquire).exhausted);
  EXPECT_THAT(publish(relaxed, acquire).failure, Optional(HasSubstr("race")));
  EXPECT_THAT(publish(release, relaxed).failure, Optional(HasSubstr("race")));
}

TEST(Explorer, TellsTheStepsThatLedToAFailure) {
  auto const found = publish(relaxed, acquire);
  ASSERT_TRUE(found.failure);
  EXPECT_THAT(found.trace, testing::Contains(HasSubstr("thread 1: store atomic 0 = 1 relaxed")));
  EXPECT_THAT(found.trace, testing::Contains(HasSubstr("thread 2: load atomic 0 = 1 acquire")));
  EXPECT_THAT(found.summary, HasSubstr("failed in execution " + std::to_string(found.failed_at)));
}

TEST(Explorer, FindsALostWakeUpAsADeadlock) {
  struct shared {
    explorer::atomic<bool> work{false};
    explorer::atomic<bool> sleeps{false};
    explorer::semaphore wake;
  };
  auto const explore_with = [](std::memory_order order) {
    return explorer::explore({}, [=](explorer::execution& run) {
      auto const state = std::make_shared<shared>();
      run.thread([=] {
        state->work.store(true, order);
        if (state->sleeps.load(order)) state->wake.post();
      });
      run.thread([=] {
        state->sleeps.store(true, order);
        if (!state->work.load(order)) state->wake.wait();
      });
    });
  };
  EXPECT_FALSE(explore_with(std::memory_order_seq_cst).failure);
  EXPECT_THAT(explore_with(relaxed).failure, Optional(HasSubstr("deadlock")));
}

TEST(Explorer, ReportsALivelockAndLetsAPausedThreadGoOn) {
  auto const spin = [](bool ends) {
    return explorer::explore({.preemptions = 1, .steps = 200}, [=](explorer::execution& run) {
      auto const flag = std::make_shared<explorer::atomic<bool>>(false);
      run.thread([=] {
        while (!flag->load(acquire)) explored_atomics::pause();
      });
      run.thread([=] {
        if (ends) flag->store(true, release);
      });
    });
  };
  EXPECT_FALSE(spin(true).failure);
  EXPECT_TRUE(spin(true).exhausted);
  EXPECT_THAT(spin(false).failure, Optional(HasSubstr("livelock")));
}

TEST(Explorer, EndsACheckAtTheEndThatDoesNot) {
  auto const found = explorer::explore({.executions = 1, .steps = 50}, [](explorer::execution& run) {
    auto const x = std::make_shared<explorer::atomic<int>>(0);
    run.thread([x] { x->store(1, relaxed); });
    run.finally([x] {
      while (x->load(relaxed) != 2) continue;  // as a check runs round a list that has become a ring
    });
  });
  EXPECT_THAT(found.failure, Optional(HasSubstr("does not end")));
}

TEST(Explorer, LeavesACheckAtTheEndWhereItFails) {
  int checked = 0;
  auto const found = explorer::explore({}, [&](explorer::execution& run) {
    run.thread([] {});
    run.finally([&] {
      explorer::require(false, "the first");
      ++checked;
    });
  });
  EXPECT_THAT(found.failure, Optional(HasSubstr("the first")));
  EXPECT_EQ(checked, 0);
}

TEST(Explorer, FindsABugOfOneOrderByPriorities) {
  // Thread 1 must lose its processor just between its two stores: one change point does it, where every step counts.
  auto const found = explorer::explore({.how = strategy::priorities, .stale_reads = 0, .executions = 2'000, .seed = 3},
                                       [](explorer::execution& run) {
                                         auto const x = std::make_shared<explorer::atomic<int>>(0);
                                         run.thread([x] {
                                           x->store(1, relaxed);
                                           x->store(2, relaxed);
                                         });
                                         run.thread([x] { explorer::require(x->load(relaxed) != 1, "not between"); });
                                       });
  EXPECT_THAT(found.failure, Optional(HasSubstr("not between")));
}

TEST(Explorer, ReportsAnExceptionThatLeavesAThread) {
  auto const found = explorer::explore(
      {}, [](explorer::execution& run) { run.thread([] { throw std::runtime_error{"from inside"}; }); });
  EXPECT_THAT(found.failure, Optional(HasSubstr("from inside")));
}

// ---- a stack with ABA, and one whose head is tagged

/// Treiber's stack of numbered nodes. With Tagged the head's upper half counts the changes.
template <bool Tagged>
class node_stack {
 public:
  void push(std::uint32_t node) {
    std::uint64_t head = head_.load(relaxed);
    do next_[node].store(index(head), relaxed);
    while (!head_.compare_exchange_weak(head, replaced(head, node), release, relaxed));
  }

  std::uint32_t pop() {
    std::uint64_t head = head_.load(acquire);
    while (index(head) != none) {
      std::uint32_t const below = next_[index(head)].load(relaxed);
      if (head_.compare_exchange_weak(head, replaced(head, below), acquire, acquire)) return index(head);
    }
    return none;
  }

  static constexpr std::uint32_t none = 0;

 private:
  static std::uint32_t index(std::uint64_t head) { return static_cast<std::uint32_t>(head); }
  static std::uint64_t replaced(std::uint64_t head, std::uint32_t node) {
    return (Tagged ? ((head >> 32U) + 1) << 32U : 0) | node;
  }

  explorer::atomic<std::uint64_t> head_{none};
  std::array<explorer::atomic<std::uint32_t>, 4> next_{};
};

/// Two threads pop, one of them pushes back what it has: in the end every node is in the stack, once, or in a hand.
template <bool Tagged>
explorer::report shuffle(explorer::options const& how) {
  return explorer::explore(how, [](explorer::execution& run) {
    struct shared {
      node_stack<Tagged> stack;
      std::array<int, 4> owners{};
    };
    auto const state = std::make_shared<shared>();
    for (std::uint32_t node : {3U, 2U, 1U}) state->stack.push(node);
    run.thread([=] {
      if (auto const node = state->stack.pop()) ++state->owners[node];
    });
    run.thread([=] {
      auto const first = state->stack.pop();
      auto const second = state->stack.pop();
      if (first != 0) state->stack.push(first);
      if (second != 0) ++state->owners[second];
    });
    run.finally([=] {
      for (int i = 0; i < 4; ++i) {
        auto const node = state->stack.pop();
        if (node == 0) break;
        ++state->owners[node];
      }
      for (std::uint32_t node : {1U, 2U, 3U}) explorer::require(state->owners[node] == 1, "every node has one owner");
    });
  });
}

TEST(Explorer, FindsTheAbaOfAnUntaggedStackInEveryStrategy) {
  for (auto const how : {strategy::exhaustive, strategy::priorities, strategy::random}) {
    auto const found = shuffle<false>({.how = how, .seed = 7});
    EXPECT_THAT(found.failure, Optional(HasSubstr("one owner"))) << found.summary;
    std::printf("untagged: %s\n", found.summary.c_str());
  }
}

TEST(Explorer, ExhaustsATaggedStack) {
  auto const found = shuffle<true>({.preemptions = 4, .stale_reads = 2, .executions = 10'000'000});
  EXPECT_FALSE(found.failure) << found.summary;
  EXPECT_TRUE(found.exhausted) << found.summary;
  std::printf("tagged: %s\n", found.summary.c_str());
}

TEST(Explorer, TheSameSeedMakesTheSameExecutions) {
  auto const first = shuffle<false>({.how = strategy::random, .seed = 3});
  auto const second = shuffle<false>({.how = strategy::random, .seed = 3});
  ASSERT_TRUE(first.failure);
  EXPECT_EQ(first.failed_at, second.failed_at);
  EXPECT_EQ(first.trace, second.trace);
}

}  // namespace
