#include "support.hpp"
#include <mayfly/latency_histogram.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

namespace {

using mayfly::latency_histogram;
using mayfly::latency_recorder;
using std::chrono::nanoseconds;
using buckets = latency_histogram::buckets;

TEST(LatencyHistogram, BucketsCoverAllValuesWithoutGapOrOverlap) {
  for (std::size_t i = 0; i + 1 < buckets::count; ++i) {
    EXPECT_EQ(buckets::index_of(buckets::lower_bound(i)), i);
    EXPECT_EQ(buckets::index_of(buckets::upper_bound(i)), i);
    EXPECT_EQ(buckets::upper_bound(i) + 1, buckets::lower_bound(i + 1));
  }
  EXPECT_EQ(buckets::index_of((std::uint64_t{1} << buckets::top_bit) - 1), buckets::count - 1);
  EXPECT_EQ(buckets::index_of(std::uint64_t{1} << buckets::top_bit), buckets::count - 1) << "longer: the last bucket";
  EXPECT_EQ(buckets::index_of(~std::uint64_t{0}), buckets::count - 1);
}

TEST(LatencyHistogram, NoBucketIsWiderThanAThirtySecondOfItsValues) {
  for (std::size_t i = 0; i + 1 < buckets::count; ++i) {
    double const width = static_cast<double>(buckets::upper_bound(i) - buckets::lower_bound(i));
    EXPECT_LE(width, static_cast<double>(buckets::lower_bound(i)) / 32.0);
  }
}

TEST(LatencyHistogram, PercentilesStayWithinTheStatedErrorOfTheTrueOnes) {
  std::mt19937_64 random(mayfly::test::seed());
  std::lognormal_distribution<double> distribution(10.0, 2.5);
  latency_histogram histogram;
  std::vector<std::int64_t> all;
  for (int i = 0; i < 20'000; ++i) {
    auto const ns = static_cast<std::int64_t>(distribution(random));
    all.push_back(ns);
    histogram.add(nanoseconds{ns});
  }
  std::sort(all.begin(), all.end());
  for (double const fraction : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    auto const rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(fraction * 20'000.0)));
    auto const truth = static_cast<double>(all[rank - 1]);
    auto const told = static_cast<double>(histogram.percentile(fraction).count());
    EXPECT_GE(told, truth) << fraction;
    EXPECT_LE(told, truth * (1.0 + 1.0 / 32.0) + 1.0) << fraction;
  }
  EXPECT_EQ(histogram.max().count(), all.back());
  EXPECT_EQ(histogram.count(), 20'000U);
}

TEST(LatencyHistogram, IsEmptyAtFirstAndMergesToTheSum) {
  latency_histogram one;
  EXPECT_TRUE(one.empty());
  EXPECT_EQ(one.p99().count(), 0);
  EXPECT_EQ(one.mean().count(), 0);
  latency_histogram other;
  one.add(nanoseconds{10});
  other.add(nanoseconds{30});
  other.add(nanoseconds{-5});  // a clock that went back counts as no time
  one.merge(other);
  EXPECT_EQ(one.count(), 3U);
  EXPECT_EQ(one.max().count(), 30);
  EXPECT_EQ(one.mean().count(), 13);
  EXPECT_EQ(one.percentile(0.0).count(), 0);
}

TEST(LatencyHistogram, ReadersSeeARecordersFiguresWhileItWrites) {
  auto const recorder = std::make_unique<latency_recorder>();
  std::jthread writer([&] {
    for (std::uint64_t i = 0; i < 100'000; ++i) recorder->record(i % 1'000);
  });
  std::uint64_t last = 0;
  while (last < 100'000) {
    latency_histogram seen;
    recorder->add_to_histogram(seen);
    EXPECT_GE(seen.count(), last);
    last = seen.count();
  }
  latency_histogram all;
  recorder->add_to_histogram(all);
  EXPECT_EQ(all.max().count(), 999);
  EXPECT_EQ(all.mean().count(), 499);
}

}  // namespace
