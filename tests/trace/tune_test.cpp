#include "support.hpp"
#include "tuning_space.hpp"
#include <mayfly/page_pool.hpp>
#include <mayfly/trace/tune.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mayfly::trace {
namespace {

using ::testing::HasSubstr;

/// Requests of 200 allocations of 500 bytes each: 100 KB, which no first page of 4 KiB is made for.
trace large_requests(int requests, std::uint64_t open_ns = 5'000) {
  trace_builder builder{{.program = "a test", .workers = 1}};
  std::vector<operation> const operations(200, operation{.bytes = 500});
  for (int i = 0; i < requests; ++i) {
    auto const at = static_cast<std::uint64_t>(i) * 2 * open_ns;
    builder.add_request("large", {.opened_ns = at, .closed_ns = at + open_ns}, operations);
  }
  return trace::from_bytes(builder.finish(), "x");
}

/// Settings that nobody would choose: tiny pages, one at a time, and none kept.
replay_settings poor_settings() {
  return {.pages = {.class_bytes = {4'096, 8'192, 16'384},
                    .magazine_pages = {1, 1, 1},
                    .idle_cap_bytes = 0,
                    .idle_floor_bytes = 0,
                    .block_cache_bytes = 0},
          .first_class = 0};
}

TEST(Tune, FindsBetterSettingsThanPoorOnesAndSaysWhy) {
  trace const played = large_requests(500);
  tuning_result const found = tune(played, poor_settings(), {.points = 64, .rounds = 5});
  EXPECT_TRUE(found.whole);
  ASSERT_EQ(found.proof, tuning_proof::measured);
  measured_settings const& best = found.finalists.front();
  EXPECT_TRUE(same(best.settings, found.recommended));
  EXPECT_GT(best.gain, 0.1);
  EXPECT_LT(best.ns_per_allocation, found.today.ns_per_allocation);
  EXPECT_LT(best.pages_from_system, found.today.pages_from_system);
  EXPECT_GT(best.requests_per_s, found.today.requests_per_s);
  EXPECT_EQ(best.rounds, 5U);
  EXPECT_TRUE(same(found.tried.front().settings, poor_settings())) << "today's come first";
  // A sentence for each setting that differs, and none for another.
  std::size_t different = 0;
  for (dimension const& each : dimensions()) different += each.agree(found.recommended, poor_settings()) ? 0U : 1U;
  std::vector<std::string> const why = reasons(found);
  EXPECT_EQ(why.size(), different + (found.recommended.pages.huge_pages == huge_page_use::system ? 0U : 1U));
  EXPECT_EQ(found.without.size(), different);
  ASSERT_FALSE(why.empty());
  EXPECT_THAT(why.front(), HasSubstr("instead of"));
  for (huge_page_use const use : {huge_page_use::advise, huge_page_use::always}) {
    EXPECT_TRUE(std::ranges::any_of(
        found.finalists, [use](measured_settings const& each) { return each.settings.pages.huge_pages == use; }));
  }
}

TEST(Tune, SetsMemoryAgainstTheTimeThatRequestsTook) {
  constexpr std::uint64_t long_ns = 100'000'000;
  tuning_result const found = tune(large_requests(500, long_ns), poor_settings(), {.points = 64, .rounds = 5});
  EXPECT_GT(found.today.memory_share, 0);
  EXPECT_LT(found.today.memory_share, 0.02);
  ASSERT_FALSE(found.finalists.empty());
  EXPECT_GT(found.finalists.front().gain, 0.1);
  EXPECT_LT(found.gain_in_all, 0.02);
  EXPECT_EQ(found.proof, tuning_proof::nothing) << "a lot of a little";
}

/// What makes no difference on a trace is left as it is: these requests take no block and one page, and no epoch ends.
TEST(Tune, ChangesNothingThatMakesNoDifference) {
  trace_builder builder{{.program = "a test", .workers = 1}};
  std::vector<operation> const operations(10, operation{.bytes = 100});
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    builder.add_request("small", {.opened_ns = i * 10, .closed_ns = i * 10 + 5}, operations);
  }
  trace const played = trace::from_bytes(builder.finish(), "x");
  replay_settings const today{.pages = {.idle_epochs = 7}, .first_class = 2};
  tuning_result const found = tune(played, today, {.goal = tuning_goal::memory, .points = 64, .rounds = 5});
  ASSERT_FALSE(found.finalists.empty());
  for (measured_settings const& each : found.finalists) {
    EXPECT_EQ(each.settings.pages.idle_epochs, 7U);
    EXPECT_EQ(each.settings.pages.block_cache_bytes, today.pages.block_cache_bytes);
    EXPECT_EQ(each.settings.pages.growth_percent, today.pages.growth_percent);
    EXPECT_EQ(each.settings.pages.largest_in_page_bytes, today.pages.largest_in_page_bytes);
    EXPECT_EQ(each.settings.pages.idle_cap_bytes, today.pages.idle_cap_bytes);
  }
}

TEST(Tune, KeepsTheBoundOnMemory) {
  trace const played = large_requests(200);
  constexpr std::size_t bound = 512 * 1024;
  tuning_result const found = tune(played, {}, {.max_bytes = bound, .points = 64, .rounds = 5});
  ASSERT_FALSE(found.finalists.empty());
  for (measured_settings const& each : found.finalists) {
    simulation const model = simulate(played, each.settings);
    EXPECT_LE(model.memory.peak_committed_bytes, bound);
  }
  tuning_result const none = tune(played, {}, {.max_bytes = 4'096, .points = 16, .rounds = 5});
  EXPECT_TRUE(none.finalists.empty());
  EXPECT_EQ(none.proof, tuning_proof::nothing);
}

/// However short the trace is: each rung plays its part of the steps, and no more.
TEST(Tune, RungsPlayTheirPartOfATraceOnly) {
  trace const played = large_requests(64);
  auto const whole = static_cast<double>(played.counted().allocations);
  auto const modelled = [&](double until) {
    auto const enough = [until](char const*, double done) { return done < until; };
    tuning_result const found = tune(played, {}, {.points = 64, .progress = enough});
    return static_cast<double>(found.allocations_modelled) / whole;
  };
  double const first = 64.0 / 16;
  double const second = (16 + 1 + 8) / 4.0;  // the best quarter, today's, and neighbours
  EXPECT_NEAR(modelled(0.333), first, 0.1 * first);
  EXPECT_NEAR(modelled(0.666), first + second, 0.1 * (first + second));
}

TEST(Tune, EndsWhenItIsToldToWithTheBestOfTheModelSoFar) {
  trace const played = large_requests(50);
  for (int const enough : {1, 2, 20, 70, 100}) {
    int asked = 0;
    tuning_result const found = tune(played, poor_settings(),
                                     {.points = 64, .progress = [&](char const*, double) { return ++asked < enough; }});
    EXPECT_FALSE(found.whole);
    EXPECT_TRUE(found.finalists.empty());
    EXPECT_EQ(found.tried.empty(), enough == 1);
    for (tried_settings const& each : found.tried) EXPECT_GT(each.part, 0) << "what had no turn is no result";
    EXPECT_EQ(found.proof, enough < 20 ? tuning_proof::nothing : tuning_proof::model) << enough;
    EXPECT_EQ(same(found.recommended, poor_settings()), enough < 20) << enough;
  }
  EXPECT_THROW(static_cast<void>(tune(played, {}, {.points = 7})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(tune(played, {}, {.rounds = 4})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(tune(played, {}, {.least_gain = -0.1})), std::invalid_argument);
}

/// Each dimension is drawn, told apart, and copied; and whatever is drawn is what a page pool can be made of.
TEST(TuningSpace, EveryPointIsOneThatAPagePoolTakes) {
  std::mt19937_64 random{1};
  replay_settings const today;
  replay_settings last = today;
  std::vector<int> changed(dimensions().size());
  for (int i = 0; i < 2'000; ++i) {
    replay_settings const drawn = i % 2 == 0 ? random_settings(today, random) : neighbour_of(last, random);
    for (std::size_t d = 0; d < changed.size(); ++d) {
      dimension const& each = dimensions()[d];
      if (each.agree(drawn, today)) continue;
      ++changed[d];
      replay_settings const back = with(drawn, each, today);
      EXPECT_TRUE(each.agree(back, today));
      EXPECT_FALSE(same(drawn, back));
      if (i % 50 == 0) page_pool{back.pages};
    }
    if (i % 50 == 0) page_pool{drawn.pages};
    last = drawn;
  }
  for (int const count : changed) EXPECT_GT(count, 100);
}

}  // namespace
}  // namespace mayfly::trace
