#include <mayfly/perturbation.hpp>
#include <mayfly/schedule_point.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace mayfly::stress {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// The hook is in every build; only the modules' own steps need MAYFLY_SCHEDULE_POINTS.
void take_steps(int count, char const* name = "test.step") {
  for (int i = 0; i < count; ++i) detail::reach_schedule_point(name);
}

auto choices(perturbation_options const& options, int steps = 20'000) {
  perturbation const disorder{options};
  take_steps(steps);
  auto const done = disorder.counts();
  return std::tuple{done.steps, done.yields, done.spins, done.sleeps};
}

TEST(Perturbation, TheSameSeedMakesTheSameChoices) {
  auto const first = choices({.seed = 7});
  EXPECT_EQ(first, choices({.seed = 7}));
  EXPECT_NE(first, choices({.seed = 8}));
}

TEST(Perturbation, GivesWayAsOftenAsItIsAskedTo) {
  auto const [steps, yields, spins, sleeps] =
      choices({.seed = 7, .one_yield_in = 10, .one_spin_in = 4, .one_sleep_in = 100}, 100'000);
  EXPECT_EQ(steps, 100'000U);
  EXPECT_NEAR(static_cast<double>(sleeps), 1'000, 200);
  EXPECT_NEAR(static_cast<double>(yields), 9'900, 600);
  EXPECT_NEAR(static_cast<double>(spins), 22'275, 900);
}

TEST(Perturbation, DoesNothingWhereEverythingIsNever) {
  EXPECT_EQ(choices({.seed = 7, .one_yield_in = 0, .one_spin_in = 0, .one_sleep_in = 0}),
            (std::tuple{20'000U, 0U, 0U, 0U}));
}

TEST(Perturbation, DoesItEveryTimeWhereItIsOneInOne) {
  EXPECT_EQ(choices({.one_yield_in = 1, .one_sleep_in = 0}, 100), (std::tuple{100U, 100U, 0U, 0U}));
  EXPECT_EQ(choices({.one_sleep_in = 1, .longest_sleep = std::chrono::microseconds{0}}, 100),
            (std::tuple{100U, 0U, 0U, 100U}));
}

TEST(Perturbation, CountsEachStepByItsName) {
  static std::array<char, 4> const same_name_elsewhere{'o', 'n', 'e', '\0'};
  perturbation const disorder;
  take_steps(3, "one");
  take_steps(5, "two");
  take_steps(2, same_name_elsewhere.data());
  auto const points = disorder.counts().points;
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].name, "one");
  EXPECT_EQ(points[0].reached, 5U);
  EXPECT_EQ(points[1].name, "two");
  EXPECT_EQ(points[1].reached, 5U);
}

TEST(Perturbation, EveryThreadIsCounted) {
  perturbation const disorder;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([] { take_steps(1'000); });
  threads.clear();
  EXPECT_EQ(disorder.counts().steps, 8'000U);
}

TEST(Perturbation, ThreadsDoNotMakeTheSameChoices) {
  auto const yields_of_next_thread = [](perturbation const& disorder) {
    auto const before = disorder.counts();
    std::thread{[] { take_steps(20'000); }}.join();
    auto const after = disorder.counts();
    return std::tuple{after.yields - before.yields, after.spins - before.spins};
  };
  perturbation const disorder{{.seed = 7}};
  auto const first = yields_of_next_thread(disorder);
  EXPECT_NE(first, yields_of_next_thread(disorder));
}

TEST(Perturbation, LeavesNothingBehind) {
  {
    perturbation const disorder;
  }
  take_steps(10);
  perturbation const next;
  EXPECT_EQ(next.counts().steps, 0U);
}

TEST(Perturbation, ThereIsOneAtATime) {
  perturbation const first;
  EXPECT_THROW(perturbation{}, std::logic_error);
  take_steps(10);
  EXPECT_EQ(first.counts().steps, 10U) << "the refused one has not touched it";
}

TEST(Perturbation, AStepKeepsErrno) {
  perturbation const disorder{{.one_sleep_in = 1}};
  errno = ENOTTY;
  take_steps(1);
  EXPECT_EQ(errno, ENOTTY);
}

TEST(Perturbation, TheSeedOfTheEnvironmentIsReadOrRefused) {
  ::unsetenv("MAYFLY_SCHEDULE_SEED");
  EXPECT_EQ(schedule_seed(3), 3U);
  ::setenv("MAYFLY_SCHEDULE_SEED", "18446744073709551615", 1);
  EXPECT_EQ(schedule_seed(3), 18446744073709551615U);
  for (char const* wrong : {"", "7x", "-1", "18446744073709551616"}) {
    ::setenv("MAYFLY_SCHEDULE_SEED", wrong, 1);
    EXPECT_THAT([] { static_cast<void>(schedule_seed(3)); },
                ThrowsMessage<std::invalid_argument>(HasSubstr("MAYFLY_SCHEDULE_SEED is '" + std::string{wrong})));
  }
  ::unsetenv("MAYFLY_SCHEDULE_SEED");
}

}  // namespace
}  // namespace mayfly::stress
