#include <mayfly/detail/rationed_figure.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

namespace mayfly::detail {
namespace {

using time_point = rationed_figure::clock::time_point;
constexpr time_point start{std::chrono::hours{1}};

TEST(RationedFigure, IsFoundOutEachTimeForWhoAsksSeldom) {
  rationed_figure figure;
  std::size_t looks = 0;
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(figure.get([&] { return ++looks; }, start + i * rationed_figure::interval), looks);
  }
  EXPECT_EQ(looks, 1'000U);
}

TEST(RationedFigure, IsFoundOutABurstOfTimesInARowAndThenGivenAgain) {
  rationed_figure figure;
  std::size_t looks = 0;
  for (int i = 0; i < 1'000; ++i) {
    std::size_t const seen = figure.get([&] { return ++looks; }, start);
    EXPECT_EQ(seen, looks) << "the last one that was found out";
  }
  EXPECT_EQ(looks, static_cast<std::size_t>(rationed_figure::burst));
}

TEST(RationedFigure, IsFoundOutOnceAnIntervalInTheLongRun) {
  rationed_figure figure;
  std::size_t looks = 0;
  constexpr int tenths = 10'000;
  for (int i = 0; i < tenths; ++i) {
    static_cast<void>(figure.get([&] { return ++looks; }, start + i * (rationed_figure::interval / 10)));
  }
  EXPECT_GE(looks, tenths / 10U);
  EXPECT_LE(looks, tenths / 10U + static_cast<std::size_t>(rationed_figure::burst));
}

TEST(RationedFigure, ThreadsShareTheRation) {
  rationed_figure figure;
  std::atomic<std::size_t> looks{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1'000; ++i) static_cast<void>(figure.get([&] { return ++looks; }, start));
      });
    }
  }
  EXPECT_EQ(looks, static_cast<std::size_t>(rationed_figure::burst));
}

}  // namespace
}  // namespace mayfly::detail
