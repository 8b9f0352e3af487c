// The litmus tests by which memory models are told apart, and what C++20 says of each: which results must be seen, and
// which must not. Names as in Alglave, Maranget and Tautschnig, "Herding Cats" (TOPLAS 2014).

#include <mayfly/explorer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <utility>

namespace {

namespace explorer = mayfly::explorer;
using order = std::memory_order;
constexpr order relaxed = std::memory_order_relaxed;
constexpr order acquire = std::memory_order_acquire;
constexpr order release = std::memory_order_release;
constexpr order seq_cst = std::memory_order_seq_cst;

template <std::size_t Count>
using results = std::set<std::array<int, Count>>;

struct shared {
  explorer::atomic<int> x{0};
  explorer::atomic<int> y{0};
  std::array<int, 4> r{};  // each written by one thread, read at the end
};

/// Everything that the threads can read, over all executions.
template <std::size_t Count, typename... Bodies>
results<Count> outcomes(Bodies... bodies) {
  results<Count> seen;
  auto const found = explorer::explore({.preemptions = 8, .stale_reads = 8}, [&](explorer::execution& run) {
    auto const state = std::make_shared<shared>();
    (run.thread([state, bodies] { bodies(*state); }), ...);
    run.finally([state, &seen] {
      std::array<int, Count> result{};
      std::copy_n(state->r.begin(), Count, result.begin());
      seen.insert(result);
    });
  });
  EXPECT_TRUE(found.exhausted) << found.summary;
  EXPECT_FALSE(found.failure) << found.summary;
  return seen;
}

/// SB: two threads write one variable each, then read the other's.
results<2> store_buffering(order write, order read) {
  return outcomes<2>(
      [=](shared& s) {
        s.x.store(1, write);
        s.r[0] = s.y.load(read);
      },
      [=](shared& s) {
        s.y.store(1, write);
        s.r[1] = s.x.load(read);
      });
}

/// MP: one thread writes data, then a flag; the other reads the flag, then the data.
results<2> message_passing(order write, order read) {
  return outcomes<2>(
      [=](shared& s) {
        s.x.store(1, relaxed);
        s.y.store(1, write);
      },
      [=](shared& s) {
        s.r[0] = s.y.load(read);
        s.r[1] = s.x.load(relaxed);
      });
}

/// CoRR: two loads of the same variable, one after the other.
results<2> coherent_reads() {
  return outcomes<2>(
      [](shared& s) {
        s.x.store(1, relaxed);
        s.x.store(2, relaxed);
      },
      [](shared& s) {
        s.r[0] = s.x.load(relaxed);
        s.r[1] = s.x.load(relaxed);
      });
}

/// IRIW: two writers of two variables, two readers that read them in opposite order.
results<4> independent_reads(order write, order read) {
  return outcomes<4>([=](shared& s) { s.x.store(1, write); }, [=](shared& s) { s.y.store(1, write); },
                     [=](shared& s) {
                       s.r[0] = s.x.load(read);
                       s.r[1] = s.y.load(read);
                     },
                     [=](shared& s) {
                       s.r[2] = s.y.load(read);
                       s.r[3] = s.x.load(read);
                     });
}

/// WRC: what one thread has read and told on, the third one must know where the edges are there.
results<2> write_to_read_causality(order write, order read) {
  return outcomes<2>([](shared& s) { s.x.store(1, relaxed); },
                     [=](shared& s) {
                       if (s.x.load(read) == 1) s.y.store(1, write);
                     },
                     [=](shared& s) {
                       s.r[0] = s.y.load(read);
                       s.r[1] = s.x.load(relaxed);
                     });
}

TEST(Litmus, StoreBufferingLosesBothStoresUnlessAllIsSeqCst) {
  EXPECT_EQ(store_buffering(relaxed, relaxed), (results<2>{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
  EXPECT_EQ(store_buffering(release, acquire), (results<2>{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
  EXPECT_EQ(store_buffering(seq_cst, seq_cst), (results<2>{{0, 1}, {1, 0}, {1, 1}}));
  EXPECT_TRUE(store_buffering(seq_cst, acquire).contains({0, 0})) << "a seq_cst store alone does not help";
}

TEST(Litmus, AMessageIsPassedByReleaseAndAcquireAlone) {
  EXPECT_EQ(message_passing(release, acquire), (results<2>{{0, 0}, {0, 1}, {1, 1}}));
  EXPECT_EQ(message_passing(seq_cst, seq_cst), (results<2>{{0, 0}, {0, 1}, {1, 1}}));
  EXPECT_TRUE(message_passing(relaxed, acquire).contains({1, 0}));
  EXPECT_TRUE(message_passing(release, relaxed).contains({1, 0}));
}

TEST(Litmus, AThreadNeverReadsBackwardsInOneVariable) {
  EXPECT_EQ(coherent_reads(), (results<2>{{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}}));
}

TEST(Litmus, ReadersMayDisagreeOnIndependentWritesUnlessAllIsSeqCst) {
  EXPECT_TRUE(independent_reads(relaxed, relaxed).contains({1, 0, 1, 0}));
  EXPECT_TRUE(independent_reads(release, acquire).contains({1, 0, 1, 0}));
  EXPECT_FALSE(independent_reads(seq_cst, seq_cst).contains({1, 0, 1, 0}));
  EXPECT_EQ(independent_reads(seq_cst, seq_cst).size(), 15U) << "and nothing else is lost";
}

TEST(Litmus, ASeqCstLoadBindsThoseBehindItInTheTotalOrder) {
  // Nothing synchronises here: that the second thread's load of x comes before the third's is known from y alone.
  auto const seen = [](order read) {
    return outcomes<3>([](shared& s) { s.x.store(1, relaxed); },
                       [=](shared& s) {
                         s.r[0] = s.x.load(read);
                         s.r[1] = s.y.load(read);
                       },
                       [=](shared& s) {
                         s.y.store(1, seq_cst);
                         s.r[2] = s.x.load(read);
                       });
  };
  EXPECT_FALSE(seen(seq_cst).contains({1, 0, 0}));
  EXPECT_TRUE(seen(acquire).contains({1, 0, 0}));
}

TEST(Litmus, WhatAThreadHasReadGoesOnWithItsRelease) {
  EXPECT_FALSE(write_to_read_causality(release, acquire).contains({1, 0}));
  EXPECT_TRUE(write_to_read_causality(relaxed, relaxed).contains({1, 0}));
}

TEST(Litmus, AReadModifyWriteContinuesTheReleaseBeforeItAndReadsTheNewest) {
  auto const through = [](order change) {
    return outcomes<2>(
        [](shared& s) {
          s.x.store(1, relaxed);
          s.y.store(1, release);
        },
        [=](shared& s) { s.y.fetch_add(1, change); },
        [](shared& s) {
          s.r[0] = s.y.load(acquire);
          s.r[1] = s.x.load(relaxed);
        });
  };
  EXPECT_FALSE(through(relaxed).contains({2, 0})) << "the change comes after the release, and continues it";
  auto const counted = outcomes<2>([](shared& s) { s.r[0] = s.x.fetch_add(1, relaxed); },
                                   [](shared& s) { s.r[1] = s.x.fetch_add(1, relaxed); });
  EXPECT_EQ(counted, (results<2>{{0, 1}, {1, 0}})) << "none is lost, in whatever order";
}

TEST(Litmus, AnotherThreadsPlainStoreEndsARelease) {
  auto const broken = outcomes<2>(
      [](shared& s) {
        s.x.store(1, relaxed);
        s.y.store(1, release);
      },
      [](shared& s) {
        if (s.y.load(relaxed) == 1) s.y.store(2, relaxed);
      },
      [](shared& s) {
        s.r[0] = s.y.load(acquire);
        s.r[1] = s.x.load(relaxed);
      });
  EXPECT_TRUE(broken.contains({2, 0}));
}

}  // namespace
