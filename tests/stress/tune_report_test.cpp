#include <mayfly/executor.hpp>
#include <mayfly/executor_options.hpp>
#include <mayfly/stress/tune_report.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace mayfly::stress {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

trace::replay_settings unusual() {
  return {.pages = {.max_bytes = std::size_t{3} << 30U,
                    .class_bytes = {8'192, 65'536, 524'288},
                    .growth_percent = 400,
                    .largest_in_page_bytes = 16'384,
                    .magazine_pages = {32, 8, 2},
                    .idle_cap_bytes = std::size_t{4} << 20U,
                    .idle_floor_bytes = 65'536,
                    .idle_epochs = 30,
                    .block_cache_bytes = 0},
          .first_class = 1,
          .epoch = std::chrono::milliseconds{250}};
}

trace::tuning_result found_with(trace::replay_settings const& recommended, trace::tuning_proof proof) {
  trace::tuning_result found;
  found.recommended = recommended;
  found.proof = proof;
  return found;
}

/// What tune writes, as a server reads it.
executor_options read_back(trace::tuning_result const& found) {
  std::string const path =
      std::filesystem::temp_directory_path() / ("mayfly-tuned-" + std::to_string(getpid()) + ".toml");
  std::ofstream{path} << tune_config(found, "a trace\nof two lines") << std::flush;
  executor_options const options = executor_options::from_file(path);
  std::filesystem::remove(path);
  return options;
}

TEST(TuneConfig, EverySettingComesBackInAnExecutorsOptions) {
  trace::replay_settings const recommended = unusual();
  executor_options const options = read_back(found_with(recommended, trace::tuning_proof::measured));
  trace::replay_settings const read{
      .pages = options.page_options,
      .first_class = options.adaptive_first_page ? std::nullopt : std::optional{options.first_page_class}};
  EXPECT_TRUE(same(read, recommended));
  EXPECT_EQ(options.trim_interval, recommended.epoch);
  EXPECT_EQ(options.page_budget_bytes, recommended.pages.max_bytes);
  executor pool{options};
  EXPECT_EQ(pool.pages().options().growth_percent, 400U);
  EXPECT_EQ(pool.pages().max_bytes(), recommended.pages.max_bytes);
}

TEST(TuneConfig, OfTheDefaultsIsTheDefaults) {
  executor_options const options = read_back({});
  executor_options const defaults;
  EXPECT_TRUE(trace::same({.pages = options.page_options}, {.pages = defaults.page_options}));
  EXPECT_TRUE(options.adaptive_first_page);
  EXPECT_EQ(options.page_budget_bytes, defaults.page_budget_bytes);
  EXPECT_EQ(options.trim_interval, defaults.trim_interval);
}

/// Traces of other programs may have any epoch, or none; an executor takes 100 ms to an hour.
TEST(TuneConfig, HasAnIntervalThatAnExecutorTakes) {
  using namespace std::chrono_literals;
  auto const written = [](std::chrono::nanoseconds epoch) {
    return read_back(found_with({.epoch = epoch}, trace::tuning_proof::nothing)).trim_interval;
  };
  EXPECT_EQ(written(0ns), 1s) << "a recording without epochs: the default";
  EXPECT_EQ(written(10ms), 100ms);
  EXPECT_EQ(written(48h), 1h);
}

TEST(TuneReport, SaysWhatIsNotProven) {
  trace::tuning_result found = found_with(unusual(), trace::tuning_proof::model);
  found.whole = false;
  EXPECT_THAT(tune_table(found, {}), HasSubstr("NOT measured"));
  EXPECT_THAT(tune_config(found, "x"), AllOf(HasSubstr("NOT measured"), HasSubstr("page-growth = 400")));
  found.proof = trace::tuning_proof::rounds;
  found.finalists.push_back({.settings = unusual(), .rounds = 7, .rounds_won = 6, .gain = 0.1});
  found.gain_in_all = 0.05;
  EXPECT_THAT(tune_table(found, {}),
              HasSubstr("may be noise: 10.0 % less time for memory, 5.0 % for a whole request, in the median round, "
                        "better in 6 of 7 rounds"));
  EXPECT_THAT(tune_config(found, "x"), HasSubstr("may be noise"));
  found.proof = trace::tuning_proof::measured;
  found.whole = true;
  found.finalists.front().is_confirmed = true;
  EXPECT_THAT(tune_table(found, {}),
              HasSubstr("Better: 10.0 % less time for memory, 5.0 % for a whole request, in the median round, "
                        "better in 6 of 7 fresh"));
  EXPECT_THAT(tune_config(found, "x"), Not(HasSubstr("# Stopped")));
  found.today_fits = false;
  found.today.largest_peak_bytes = 3 << 20;
  EXPECT_THAT(tune_table(found, {}), HasSubstr("hold 3.0 MiB at the peak, above --max-rss"));
}

TEST(TunePage, IsOneFileWithEveryPictureAndALegendForEachColour) {
  trace::tuning_result found = found_with(unusual(), trace::tuning_proof::measured);
  found.today = {.requests_per_s = 1e6, .peak_resident_bytes = 5e6};
  found.finalists = {
      {.settings = unusual(), .requests_per_s = 1.2e6, .peak_resident_bytes = 4e6, .rounds = 15},
      {.settings = {.first_class = 2}, .requests_per_s = 0.9e6, .peak_resident_bytes = 6e6, .rounds = 15}};
  for (trace::replay_settings const& each :
       {trace::replay_settings{}, unusual(), trace::replay_settings{.first_class = 2}}) {
    found.tried.push_back({.settings = each,
                           .memory = {.allocations = 10, .oversize_slack_bytes = 300, .reserved_bytes = 1'000},
                           .mean_committed_bytes = 1e6 * static_cast<double>(found.tried.size() + 10),
                           .cost_ns = 100,
                           .part = 1});
  }
  std::string const page = tune_page(found, {}, "<a trace>");
  EXPECT_THAT(page, AllOf(HasSubstr("&lt;a trace&gt;"), Not(HasSubstr("<a trace>")), Not(HasSubstr("http"))));
  auto const count = [&page](std::string const& what) {
    std::size_t times = 0;
    for (std::size_t at = page.find(what); at != std::string::npos; at = page.find(what, at + 1)) ++times;
    return times;
  };
  EXPECT_EQ(count("<svg"), 3U);
  EXPECT_EQ(count("</svg>"), 3U);
  EXPECT_THAT(page, AllOf(HasSubstr(">finalist 2</text>"), HasSubstr("<title>finalist 2</title>"),
                          HasSubstr(">rounding of blocks</text>"), HasSubstr("rounding of blocks: 30.0 %")));
  for (std::string const colour : {"one", "two", "three", "four", "dot", "ink", "paper", "faint", "line"}) {
    EXPECT_EQ(count("--" + colour + ": #"), 2U) << colour << ", in light and in dark";
  }
  EXPECT_EQ(count("NaN") + count("nan") + count("inf\""), 0U);
}

}  // namespace
}  // namespace mayfly::stress
