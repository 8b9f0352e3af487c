#include <mayfly/arena.hpp>
#include <mayfly/detail/route_profiles.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace mayfly::detail {
namespace {

constexpr std::size_t kib = 1024;

TEST(SizeSketch, AQuantileIsNeverBelowTheTrueOneAndASixteenthAboveAtMost) {
  std::mt19937_64 random{7};
  std::lognormal_distribution<double> sizes{9.5, 2.0};
  auto const recorder = std::make_unique<size_recorder>();
  recorder->clear();
  std::vector<std::size_t> all;
  for (int i = 0; i < 20'000; ++i) {
    all.push_back(1 + static_cast<std::size_t>(sizes(random)));
    recorder->record(all.back());
  }
  std::sort(all.begin(), all.end());
  size_counts counts;
  recorder->add_to(counts);
  ASSERT_EQ(counts.count(), all.size());
  for (double const fraction : {0.0, 0.01, 0.25, 0.5, 0.95, 0.99, 0.999, 1.0}) {
    auto const rank = std::max<std::size_t>(static_cast<std::size_t>(std::ceil(fraction * 20'000)), 1);
    std::size_t const exact = all[rank - 1];
    EXPECT_GE(counts.quantile(fraction), exact) << fraction;
    EXPECT_LE(counts.quantile(fraction), exact + std::max<std::size_t>(exact / 16, 64)) << fraction;
  }
}

TEST(SizeSketch, WhatJustFitsAPageIsToldFromWhatDoesNot) {
  for (std::size_t const page : {4 * kib, 16 * kib, 64 * kib, 256 * kib, 2048 * kib}) {
    EXPECT_EQ(size_buckets::most_bytes(size_buckets::index_of_bytes(page)), page);
    EXPECT_GT(size_buckets::most_bytes(size_buckets::index_of_bytes(page + 1)), page);
  }
}

TEST(SizeSketch, SizesWithoutMemoryAndBeyondTheLastBucketCount) {
  auto const recorder = std::make_unique<size_recorder>();
  recorder->clear();
  recorder->record(0);
  recorder->record(std::size_t{1} << 40U);
  size_counts counts;
  recorder->add_to(counts);
  EXPECT_EQ(counts.zeros, 1U);
  EXPECT_EQ(counts.count(), 1U);
  EXPECT_EQ(counts.quantile(0.5), std::size_t{1} << 30U);
}

/// A worker's knowledge, a clock that this test turns, and the requests of one route.
class RouteProfiles : public ::testing::Test {
 protected:
  cycle_clock const& clock = cycle_clock::instance();
  cycle_clock::ticks now = clock.now();
  page_pool pages{{.reserve_bytes = std::size_t{64} << 20U}};
  first_page_costs costs{pages};
  route_profiles profiles{clock, costs, 0};

  route_profile& of(std::string_view route) {
    route_profile* const found = profiles.find(route);
    EXPECT_NE(found, nullptr);
    return *found;
  }
  void run(std::string_view route, std::size_t bytes, int times) {
    for (int i = 0; i < times; ++i) profiles.record(of(route), bytes, bytes, now);
  }
  void pass(std::chrono::milliseconds time) { now += clock.to_ticks(time); }
};

TEST_F(RouteProfiles, ARouteBeginsWithTheDefaultAndIsKnownAfterSixteenRequests) {
  run("report", 200 * kib, 15);
  EXPECT_EQ(of("report").first_class(), 0U);
  run("report", 200 * kib, 1);
  EXPECT_EQ(of("report").first_class(), 2U);
  EXPECT_EQ(of("other").first_class(), 0U);
}

TEST_F(RouteProfiles, AFewLargeRequestsDoNotGiveEveryRequestALargePage) {
  for (int i = 0; i < 32; ++i) {
    run("mixed", 10 * kib, 31);
    run("mixed", 200 * kib, 1);
  }
  EXPECT_EQ(of("mixed").first_class(), 0U);
}

TEST_F(RouteProfiles, ARouteWhoseRequestsShrinkShrinksWithinAMinute) {
  run("report", 200 * kib, 5'000);
  EXPECT_EQ(of("report").first_class(), 2U);
  for (int second = 0; second < 60; ++second) {
    pass(std::chrono::seconds{1});
    run("report", 8 * kib, 20);  // far fewer than the large ones were
  }
  EXPECT_EQ(of("report").first_class(), 0U);
}

TEST_F(RouteProfiles, AWindowThatIsOverIsAskedAlone) {
  run("report", 200 * kib, 5'000);
  pass(std::chrono::seconds{21});
  run("report", 8 * kib, 1);  // the large ones' window ends with this
  EXPECT_EQ(of("report").first_class(), 2U);
  pass(std::chrono::seconds{19});
  run("report", 8 * kib, 19);
  EXPECT_EQ(of("report").first_class(), 2U);
  pass(std::chrono::seconds{2});
  run("report", 8 * kib, 16);
  EXPECT_EQ(of("report").first_class(), 0U) << "42 s after the last large one";
}

TEST_F(RouteProfiles, ASlowRouteShrinksWithinSixteenRequestsMore) {
  run("report", 200 * kib, 5'000);
  pass(std::chrono::seconds{21});
  run("report", 8 * kib, 1);
  for (int request = 0; request < 16; ++request) {
    EXPECT_EQ(of("report").first_class(), 2U) << request;
    pass(std::chrono::seconds{5});
    run("report", 8 * kib, 1);
  }
  EXPECT_EQ(of("report").first_class(), 0U);
}

TEST_F(RouteProfiles, TheForecastOutlivesTheWindowItIsFrom) {
  EXPECT_EQ(of("report").forecast_bytes(), 0U);
  run("report", 200 * kib, 100);
  for (int window = 0; window < 5; ++window) {
    pass(std::chrono::seconds{21});
    run("report", 200 * kib, 2);
    EXPECT_GE(of("report").forecast_bytes(), 200 * kib) << window;
    EXPECT_LE(of("report").forecast_bytes(), 214 * kib) << window;
  }
}

TEST_F(RouteProfiles, ARouteThatTakesNothingAnyMoreHasAForecastOfNothing) {
  run("report", 200 * kib, 100);
  pass(std::chrono::seconds{21});
  run("report", 0, 1);
  pass(std::chrono::seconds{21});
  run("report", 0, 100);
  EXPECT_EQ(of("report").forecast_bytes(), 0U);
}

TEST_F(RouteProfiles, ARouteThatRestsKeepsWhatIsKnownUntilThereIsMore) {
  run("nightly", 200 * kib, 100);
  pass(std::chrono::hours{8});
  run("nightly", 8 * kib, 1);
  EXPECT_EQ(of("nightly").first_class(), 2U);
  run("nightly", 8 * kib, 30);
  pass(std::chrono::seconds{21});
  run("nightly", 8 * kib, 30);
  EXPECT_EQ(of("nightly").first_class(), 0U);
}

TEST_F(RouteProfiles, RequestsWithoutMemoryDecideNothing) {
  run("report", 200 * kib, 32);
  run("report", 0, 10'000);
  EXPECT_EQ(of("report").first_class(), 2U);
}

TEST_F(RouteProfiles, MoreRoutesThanThereIsRoomForAreNotKnown) {
  std::vector<std::string> names(600, std::string(40U, 'x'));
  std::size_t known = 0;
  for (auto const& name : names) known += profiles.find(name) != nullptr ? 1U : 0U;
  EXPECT_LE(known, route_profiles::most_routes);
  EXPECT_GE(known, route_profiles::most_routes / 2);
  for (auto const& name : names) {
    if (profiles.find(name) == nullptr) return;  // and stays unknown
  }
  FAIL() << "600 routes in 256 places";
}

TEST_F(RouteProfiles, OneNameInTwoPlacesIsOneLine) {
  std::string const here = "orders";
  std::string const there = "orders";
  run(here, 1 * kib, 20);
  run(there, 100 * kib, 20);
  std::vector<route_sums> sums;
  profiles.add_to_stats(sums);
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums[0].requests, 40U);
  EXPECT_EQ(sums[0].all.count(), 40U);
}

TEST(FirstPageWorth, SaysHowManyFitAndHowMuchIsLeft) {
  page_pool pages{{.reserve_bytes = std::size_t{64} << 20U}};
  auto const recorder = std::make_unique<size_recorder>();
  recorder->clear();
  for (int i = 0; i < 94; ++i) recorder->record(8 * kib);
  for (int i = 0; i < 6; ++i) recorder->record(40 * kib);
  for (int i = 0; i < 1000; ++i) recorder->record(0);
  size_counts counts;
  recorder->add_to(counts);
  auto const small = first_page_costs::worth_of(pages, 0, counts);
  EXPECT_EQ(small.page_bytes, 16 * kib);
  EXPECT_DOUBLE_EQ(small.one_page_part, 0.94);
  EXPECT_DOUBLE_EQ(small.pages_per_request, (94 * 1 + 6 * 3) / 100.0);
  EXPECT_DOUBLE_EQ(small.unused_part, 1 - (94 * 8 + 6 * 40) / (94 * 16 + 6 * 48.0));
  EXPECT_DOUBLE_EQ(small.cost_bytes, (94 * (8 + 4) + 6 * (8 + 12)) / 100.0 * kib);
  auto const large = first_page_costs::worth_of(pages, 2, counts);
  EXPECT_DOUBLE_EQ(large.one_page_part, 1);
  EXPECT_DOUBLE_EQ(large.pages_per_request, 1);
  EXPECT_DOUBLE_EQ(large.unused_part, 1 - (94 * 8 + 6 * 40) / (100 * 256.0));
}

TEST(FirstPageWorth, OfNoRequestsIsNothing) {
  page_pool pages{{.reserve_bytes = std::size_t{64} << 20U}};
  auto const worth = first_page_costs::worth_of(pages, 1, size_counts{});
  EXPECT_EQ(worth.page_bytes, 64 * kib);
  EXPECT_EQ(worth.cost_bytes + worth.one_page_part + worth.unused_part, 0);
}

/// What an arena really takes is what the costs are made from.
TEST(FirstPageCosts, PagesAreThoseThatAnArenaTakes) {
  for (std::uint32_t const growth : {100U, 0U, 30U, 400U, 10'000U}) {
    page_pool pages{{.reserve_bytes = std::size_t{256} << 20U, .growth_percent = growth}};
    for (std::size_t c = 0; c < page_pool::classes; ++c) {
      for (std::size_t const wanted : {1 * kib, 15 * kib, 17 * kib, 100 * kib, 300 * kib, 3000 * kib}) {
        arena memory{pages, {.first_class = c}};
        while (memory.bumped_bytes() < wanted) static_cast<void>(memory.allocate(64));
        arena_usage const usage = memory.usage();
        auto const held = first_page_costs::held_by(pages, c, memory.bumped_bytes());
        EXPECT_EQ(held.pages, usage.page_count()) << growth << ", " << c << ", " << wanted;
        EXPECT_EQ(held.bytes, usage.reserved_bytes) << growth << ", " << c << ", " << wanted;
      }
    }
  }
}

}  // namespace
}  // namespace mayfly::detail
