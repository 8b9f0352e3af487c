#include <mayfly/detail/cycle_clock.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace {

using mayfly::detail::cycle_clock;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

TEST(CycleClock, MeasuresWhatSteadyClockMeasures) {
  cycle_clock const& clock = cycle_clock::instance();
  // Each reading between two of steady_clock: whatever else the machine does in between, the truth is within them.
  auto const before_start = steady_clock::now();
  auto const start = clock.now();
  auto const after_start = steady_clock::now();
  while (steady_clock::now() - after_start < 50ms) {
  }
  auto const before_end = steady_clock::now();
  auto const ticks = clock.now() - start;
  auto const after_end = steady_clock::now();
  std::chrono::nanoseconds const told(clock.to_ns(ticks));
  EXPECT_GE(told * 100, std::chrono::nanoseconds(before_end - after_start) * 99);
  EXPECT_LE(told * 100, std::chrono::nanoseconds(after_end - before_start) * 101);
}

TEST(CycleClock, TicksAndNanosecondsConvertBothWays) {
  cycle_clock const& clock = cycle_clock::instance();
  for (auto const length : {1us, 1'000us, 1'000'000us, 3'600'000'000us}) {
    auto const ns = static_cast<double>(std::chrono::nanoseconds(length).count());
    EXPECT_NEAR(static_cast<double>(clock.to_ns(clock.to_ticks(length))), ns, ns * 1e-6 + 2.0);
  }
  EXPECT_EQ(clock.to_ticks(-1s), 0U);
  EXPECT_EQ(clock.to_ns(static_cast<cycle_clock::ticks>(-100)), 0U) << "two processors' skew is no time";
}

TEST(CycleClock, KnowsTheSteadyTimeOfItsReadings) {
  cycle_clock const& clock = cycle_clock::instance();
  for (int i = 0; i < 3; ++i) {
    auto const before = steady_clock::now();
    auto const told = clock.steady_at(clock.now());
    auto const after = steady_clock::now();
    EXPECT_GT(told, before - 1ms);
    EXPECT_LT(told, after + 1ms);
  }
}

}  // namespace
