#include "support.hpp"
#include <mayfly/trace/tune.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mayfly::trace {
namespace {

using ::testing::HasSubstr;

/// Requests of 200 allocations of 500 bytes each: 100 KB, which no first page of 4 KiB is made for.
trace large_requests(int requests) {
  trace_builder builder{{.program = "a test", .workers = 1}};
  std::vector<operation> const operations(200, operation{.bytes = 500});
  for (int i = 0; i < requests; ++i) {
    auto const at = static_cast<std::uint64_t>(i) * 10'000;
    builder.add_request("large", {.opened_ns = at, .closed_ns = at + 5'000}, operations);
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
  trace const played = large_requests(2'000);
  tuning_result const found = tune(played, poor_settings(), {.points = 64, .rounds = 9});
  EXPECT_TRUE(found.whole);
  ASSERT_TRUE(found.better);
  measured_settings const& best = found.finalists.front();
  EXPECT_GT(best.gain, 0.1);
  EXPECT_LT(best.ns_per_allocation, found.today.ns_per_allocation);
  EXPECT_LT(best.pages_from_system, found.today.pages_from_system);
  EXPECT_GE(best.rounds, 5U);
  EXPECT_EQ(found.tried.front().settings.pages.class_bytes, poor_settings().pages.class_bytes) << "today's come first";
  std::vector<std::string> const why = reasons(found);
  ASSERT_FALSE(why.empty());
  EXPECT_THAT(why.front(), HasSubstr("instead of 4, 8, 16: requests take"));
}

TEST(Tune, KeepsTheBoundOnMemory) {
  trace const played = large_requests(200);
  constexpr std::size_t bound = 512 * 1024;
  tuning_result const found = tune(played, {}, {.max_bytes = bound, .points = 64, .rounds = 5});
  for (measured_settings const& each : found.finalists) {
    simulation const model = simulate(played, each.settings);
    EXPECT_LE(model.memory.peak_committed_bytes, bound);
  }
  tuning_result const none = tune(played, {}, {.max_bytes = 4'096, .points = 16, .rounds = 5});
  EXPECT_TRUE(none.finalists.empty());
  EXPECT_FALSE(none.better);
}

TEST(Tune, EndsWhenItIsToldToWithTheBestSoFar) {
  trace const played = large_requests(50);
  int asked = 0;
  tuning_result const found =
      tune(played, {}, {.points = 64, .progress = [&](char const*, double) { return ++asked < 20; }});
  EXPECT_FALSE(found.whole);
  EXPECT_FALSE(found.better);
  EXPECT_FALSE(found.tried.empty());
  EXPECT_THROW(static_cast<void>(tune(played, {}, {.points = 7})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(tune(played, {}, {.rounds = 4})), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly::trace
