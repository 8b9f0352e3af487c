#include "finals.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace mayfly::trace {
namespace {

/// Settings that differ by their number, so that a made-up measurement knows which they are.
std::vector<replay_settings> numbered(std::uint32_t count) {
  std::vector<replay_settings> all(count);
  for (std::uint32_t i = 0; i < count; ++i) all[i].pages.magazine_pages[0] = i + 1;
  return all;
}
std::size_t number_of(replay_settings const& settings) { return settings.pages.magazine_pages[0] - 1; }

tuning_result play(tuning_options const& options, std::uint32_t contenders, finals::measure const& measure) {
  tuning_result result;
  finals{options, numbered(contenders), measure, [](double) { return true; }}.run(result);
  return result;
}

/// What a machine shows: around what is true, by a twentieth up and down.
class noisy_machine {
 public:
  explicit noisy_machine(std::uint64_t seed) : random_{seed} {}
  double operator()(double truth) { return truth * std::normal_distribution<double>{1, 0.05}(random_); }

 private:
  std::mt19937_64 random_;
};

TEST(Finals, ChanceIsTakenForAGainInOneOfTwentyTuningsAtMost) {
  constexpr int tunings = 4'000;
  for (unsigned const rounds : {5U, 15U, 30U}) {
    int taken = 0;
    for (int i = 0; i < tunings; ++i) {
      noisy_machine machine{static_cast<std::uint64_t>(i)};
      auto const same_for_all = [&](replay_settings const&) { return round_figures{.ns_per_allocation = machine(10)}; };
      if (play({.rounds = rounds}, 5, same_for_all).proof == tuning_proof::measured) ++taken;
    }
    EXPECT_LT(taken, tunings / 20 + 41) << rounds << " rounds";  // three standard deviations above one of twenty
    EXPECT_GT(taken, 0) << "or nothing was tried";
  }
}

TEST(Finals, WhatIsBetterIsFoundAndMeasuredAfresh) {
  noisy_machine machine{1};
  std::vector<int> measured(5);
  auto const third_is_fastest = [&](replay_settings const& each) {
    ++measured[number_of(each)];
    return round_figures{.ns_per_allocation = machine(number_of(each) == 3 ? 7 : 10)};
  };
  tuning_result const found = play({.rounds = 15}, 5, third_is_fastest);
  EXPECT_EQ(found.proof, tuning_proof::measured);
  EXPECT_EQ(number_of(found.recommended), 3U);
  ASSERT_EQ(found.finalists.size(), 4U);
  measured_settings const& best = found.finalists.front();
  EXPECT_TRUE(best.is_confirmed);
  EXPECT_EQ(best.rounds, 15U);
  EXPECT_NEAR(best.gain, 0.3, 0.05);
  EXPECT_FALSE(found.finalists[1].is_confirmed);
  EXPECT_EQ(measured[0], measured[3]) << "in turns";
  EXPECT_GE(measured[3], measured[1] + 15) << "fresh rounds";
}

/// Memory is a part of what a request takes: what is a lot of a little is not worth a change.
TEST(Finals, WhatIsGainedIsSetAgainstTheWholeRequest) {
  tuning_result found;
  auto const play_with = [&](double share, double least_gain) {
    noisy_machine machine{5};
    found = play({.rounds = 9, .least_gain = least_gain}, 2, [&](replay_settings const& each) {
      return round_figures{.ns_per_allocation = machine(number_of(each) == 1 ? 7 : 10), .memory_share = share};
    });
    return found.proof;
  };
  EXPECT_EQ(play_with(0.05, 0.02), tuning_proof::nothing);
  EXPECT_NEAR(found.finalists.front().gain, 0.3, 0.05);
  EXPECT_NEAR(found.gain_in_all, 0.015, 0.003);
  EXPECT_EQ(play_with(0.1, 0.02), tuning_proof::measured);
  EXPECT_NEAR(found.gain_in_all, 0.03, 0.006);
  EXPECT_EQ(play_with(0.05, 0.01), tuning_proof::measured);
}

TEST(Finals, OneRoundBeyondTheBoundIsTooManyForAFinalist) {
  noisy_machine machine{2};
  int rounds_of_first = 0;
  auto const fastest_takes_most = [&](replay_settings const& each) {
    std::size_t const i = number_of(each);
    bool const burst = i == 1 && ++rounds_of_first == 3;
    return round_figures{.ns_per_allocation = machine(i == 0   ? 10
                                                      : i == 1 ? 5
                                                               : 8),
                         .peak_resident_bytes = burst ? 1'001.0 : 1'000.0};
  };
  tuning_result const found = play({.max_bytes = 1'000, .rounds = 9}, 3, fastest_takes_most);
  EXPECT_EQ(found.proof, tuning_proof::measured);
  EXPECT_EQ(number_of(found.recommended), 2U);
  EXPECT_TRUE(found.today_fits);
  EXPECT_EQ(found.finalists[1].largest_peak_bytes, 1'001.0);
  EXPECT_EQ(found.finalists[1].peak_resident_bytes, 1'000.0);
}

TEST(Finals, WhereTodaysDoNotFitTheFastestThatDoesIsRecommended) {
  noisy_machine machine{3};
  auto const slower_and_smaller = [&](replay_settings const& each) {
    std::size_t const i = number_of(each);
    return round_figures{.ns_per_allocation = machine(i == 0   ? 10
                                                      : i == 1 ? 14
                                                               : 12),
                         .peak_resident_bytes = i == 0 ? 2'000.0 : 900.0};
  };
  tuning_result const found = play({.max_bytes = 1'000, .rounds = 5}, 3, slower_and_smaller);
  EXPECT_FALSE(found.today_fits);
  EXPECT_EQ(found.proof, tuning_proof::measured);
  EXPECT_EQ(number_of(found.recommended), 2U);
  EXPECT_LT(found.finalists.front().gain, 0);
}

/// The goal memory goes by the mean, and its bound by time that was measured.
TEST(Finals, LessMemoryIsNoGainWhereItTakesMoreThanATwentiethLonger) {
  noisy_machine machine{4};
  double slower_by = 0.12;
  auto const less_for_more = [&](replay_settings const& each) {
    std::size_t const i = number_of(each);
    return round_figures{.ns_per_allocation = 10 * (i == 0 ? 1 : 1 + slower_by),
                         .peak_resident_bytes = i == 0 ? 1'000.0 : 2'000.0,
                         .mean_resident_bytes = machine(i == 0 ? 800 : 400)};
  };
  tuning_options const for_memory{.goal = tuning_goal::memory, .rounds = 9};
  tuning_result found = play(for_memory, 2, less_for_more);
  EXPECT_EQ(found.proof, tuning_proof::nothing);
  EXPECT_EQ(number_of(found.recommended), 0U);
  EXPECT_NEAR(found.finalists.front().slower, 0.12, 1e-9);
  slower_by = 0.04;
  found = play(for_memory, 2, less_for_more);
  EXPECT_EQ(found.proof, tuning_proof::measured);
  EXPECT_GT(found.finalists.front().gain, 0.4);
}

TEST(Finals, WhenStoppedTheBestSoFarIsGivenAndNotCalledProven) {
  for (int const asked : {0, 3, 4, 40, 70}) {  // before a round, within the first, after it, later, in the fresh ones
    int left = asked;
    tuning_result found;
    auto const second_is_fastest = [&](replay_settings const& each) {
      return round_figures{.ns_per_allocation = number_of(each) == 2 ? 7.0 : 10.0};
    };
    finals{{.rounds = 100}, numbered(4), second_is_fastest, [&](double) { return left-- > 0; }}.run(found);
    EXPECT_FALSE(found.whole) << asked;
    if (asked < 4) {
      EXPECT_TRUE(found.finalists.empty()) << asked;
      EXPECT_EQ(found.proof, tuning_proof::nothing) << asked;
      EXPECT_EQ(number_of(found.recommended), 0U) << asked;
    } else {
      EXPECT_EQ(found.proof, tuning_proof::rounds) << asked;
      EXPECT_EQ(number_of(found.recommended), 2U) << asked;
    }
  }
}

}  // namespace
}  // namespace mayfly::trace
