#include "support.hpp"
#include <mayfly/detail/index_ring.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <fstream>
#include <latch>
#include <limits>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using mayfly::detail::index_ring;
using push_result = index_ring::push_result;

TEST(IndexRing, GivesBackWhatWasPushedInOrder) {
  index_ring ring(8);
  for (std::uint32_t i = 0; i < 8; ++i) EXPECT_EQ(ring.push(i * 10), push_result::pushed);
  std::uint32_t index = 0;
  for (std::uint32_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(ring.pop(index));
    EXPECT_EQ(index, i * 10);
  }
  EXPECT_FALSE(ring.pop(index));
}

TEST(IndexRing, TakesExactlyItsBoundWhateverTheBound) {
  for (std::size_t const bound : {1U, 2U, 3U, 5U, 7U, 8U, 9U, 100U}) {
    index_ring ring(bound);
    for (int lap = 0; lap < 5; ++lap) {
      for (std::size_t i = 0; i < bound; ++i) {
        EXPECT_EQ(ring.probe(), push_result::pushed);
        ASSERT_EQ(ring.push(static_cast<std::uint32_t>(i)), push_result::pushed) << "the last that fits, " << bound;
      }
      EXPECT_EQ(ring.probe(), push_result::full);
      EXPECT_EQ(ring.push(99), push_result::full) << "the first that does not, " << bound;
      EXPECT_EQ(ring.size(), bound);
      std::uint32_t index = 0;
      for (std::size_t i = 0; i < bound; ++i) {
        ASSERT_TRUE(ring.pop(index));
        EXPECT_EQ(index, i);
      }
      EXPECT_TRUE(ring.empty());
      EXPECT_FALSE(ring.pop(index));
    }
  }
}

TEST(IndexRing, TakesNothingOnceClosedAndStillGivesWhatItHas) {
  index_ring ring(4);
  ASSERT_EQ(ring.push(7), push_result::pushed);
  ring.close();
  EXPECT_EQ(ring.push(8), push_result::closed);
  EXPECT_EQ(ring.probe(), push_result::closed);
  EXPECT_EQ(ring.size(), 1U);
  EXPECT_EQ(ring.pushed(), 1U);
  std::uint32_t index = 0;
  ASSERT_TRUE(ring.pop(index));
  EXPECT_EQ(index, 7U);
  EXPECT_TRUE(ring.empty());
}

TEST(IndexRing, GoesOnWherePositionsCrossALap32BitsAndTheLastTurnOfACell) {
  for (std::size_t const bound : {1U, 3U}) {
    std::uint64_t const cells = std::bit_ceil(bound);
    for (std::uint64_t const position : {(std::uint64_t{1} << 32) - 2, (cells << 30) - 2, (cells << 31) - 2}) {
      index_ring ring(bound);
      ring.start_at(position);
      std::uint32_t index = 0;
      EXPECT_FALSE(ring.pop(index));
      for (std::uint32_t i = 0; i < 20; ++i) {
        ASSERT_EQ(ring.push(i), push_result::pushed);
        EXPECT_EQ(ring.probe(), bound == 1 ? push_result::full : push_result::pushed);
        ASSERT_TRUE(ring.pop(index));
        EXPECT_EQ(index, i);
        EXPECT_FALSE(ring.pop(index)) << "position " << position + i;
      }
    }
  }
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(getpagesize());
}

TEST(IndexRing, WhatNobodyHasPushedIntoIsNotResident) {
  std::size_t const before = resident_bytes();
  ASSERT_GT(before, 0U);
  index_ring ring(1U << 20);
  std::uint32_t index = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(ring.push(i), push_result::pushed);
    ASSERT_TRUE(ring.pop(index));
  }
  EXPECT_LT(resident_bytes(), before + 4 * 1024 * 1024) << "of 8 MiB";
}

/// Every index pushed is popped exactly once, by whoever; what its pusher wrote before is there (plain data: the race
/// detector judges the edge).
void push_and_pop(std::size_t bound, unsigned pushers, unsigned poppers, std::uint32_t each) {
  index_ring ring(bound);
  std::uint32_t const total = each * pushers;
  std::vector<std::uint32_t> payload(total);
  std::vector<std::atomic<int>> taken(total);
  std::vector<int> pushed(total);  // each written by its pusher
  std::atomic<unsigned> pushing{pushers};
  mayfly::test::time_to_spend const time;
  std::vector<std::jthread> threads;
  for (unsigned p = 0; p < pushers; ++p) {
    threads.emplace_back([&, p] {
      for (std::uint32_t i = p * each; i < (p + 1) * each && !time.spent(); ++i) {
        payload[i] = ~i;
        while (ring.push(i) != push_result::pushed) std::this_thread::yield();
        pushed[i] = 1;
      }
      pushing.fetch_sub(1);
    });
  }
  for (unsigned p = 0; p < poppers; ++p) {
    threads.emplace_back([&] {
      std::uint32_t index = 0;
      for (;;) {
        bool const all_pushed = pushing.load() == 0;
        if (ring.pop(index)) {
          EXPECT_EQ(payload[index], ~index);
          EXPECT_EQ(taken[index].fetch_add(1), 0);
        } else if (all_pushed) {
          return;
        } else {
          EXPECT_LE(ring.size(), bound);
          std::this_thread::yield();
        }
      }
    });
  }
  threads.clear();
  for (std::uint32_t i = 0; i < total; ++i) ASSERT_EQ(taken[i].load(), pushed[i]);
  EXPECT_TRUE(ring.empty());
  EXPECT_EQ(ring.pushed(), static_cast<std::uint64_t>(std::count(pushed.begin(), pushed.end(), 1)));
}

TEST(IndexRing, LosesAndDoublesNothingBetweenManyThreads) {
  push_and_pop(64, 3, 3, 30'000);
  push_and_pop(1, 2, 2, 3'000);
  push_and_pop(5, 4, 1, 5'000);
}

TEST(IndexRing, LosesAndDoublesNothingUnderShakenSchedules) {
  mayfly::test::shaken_schedules const shaken;
  push_and_pop(1, 3, 2, 2'000);
  push_and_pop(3, 2, 3, 5'000);
}

TEST(IndexRing, EachPushIsBeforeOrAfterTheClosingNeverBetween) {
  for (int round = 0; round < 200; ++round) {
    index_ring ring(1'000);
    std::latch start(3);
    std::atomic<std::uint32_t> accepted{0};
    std::vector<std::jthread> threads;
    for (int p = 0; p < 2; ++p) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        for (std::uint32_t i = 0; i < 400; ++i) {
          push_result const result = ring.push(i);
          if (result == push_result::closed) return;
          accepted.fetch_add(1);
        }
      });
    }
    start.arrive_and_wait();
    ring.close();
    std::uint64_t const counted = ring.pushed();  // nothing may be added to this
    threads.clear();
    EXPECT_EQ(accepted.load(), counted);
    EXPECT_EQ(ring.pushed(), counted);
  }
}

}  // namespace
