// A burst of large requests, then a trickle of small ones, then a burst again: memory goes back, and comes again.
//
// MAYFLY_BURST=10000 in the environment makes the whole burst, and holds the speeds to what pool/README.md says of
// them; by default it is a fifth of it, and speeds are only printed: other programs would decide them.

#include <mayfly/executor.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::request_context;
using steady = std::chrono::steady_clock;

constexpr std::size_t mib = std::size_t{1} << 20U;

std::size_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  return resident * 4096;
}

/// None: the short run.
char const* full_length() { return std::getenv("MAYFLY_BURST"); }

std::size_t burst_requests() { return full_length() == nullptr ? 2'000 : std::strtoul(full_length(), nullptr, 10); }

double seconds_since(steady::time_point begin) { return std::chrono::duration<double>(steady::now() - begin).count(); }

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// A hundred requests of a burst.
struct hundred {
  double end_s;  ///< since the burst began
  double rate;   ///< requests a second
};

/// Large requests, a hundred of which live at once: each holds a MiB until all of its hundred have theirs.
std::vector<hundred> burst(executor& pool, std::size_t requests) {
  constexpr std::size_t at_once = 100;
  std::vector<hundred> hundreds;
  auto const began = steady::now();
  for (std::size_t done = 0; done < requests; done += at_once) {
    auto const begin = steady::now();
    {
      std::vector<mayfly::scope_hold> holds(at_once);
      std::vector<std::future<void>> all;
      all.reserve(at_once);
      for (std::size_t i = 0; i < at_once; ++i) {
        all.push_back(pool.submit("burst", [&hold = holds[i]](request_context& request) {
          for (std::size_t taken = 0; taken < mib; taken += 16'000) {
            std::memset(request.arena().allocate(16'000), 1, 16'000);
          }
          hold = request.hold();
        }));
      }
      for (auto& one : all) one.get();
    }
    hundreds.push_back({seconds_since(began), static_cast<double>(at_once) / seconds_since(begin)});
  }
  return hundreds;
}

double median_rate(std::vector<hundred> const& of, std::size_t from, std::size_t to) {
  std::vector<double> rates;
  for (std::size_t i = from; i < to; ++i) rates.push_back(of[i].rate);
  return median(rates);
}

/// When a burst was as fast as `full`, but for a twentieth: the begin of the first nine hundreds whose median is. No
/// such: a long time.
double seconds_to(std::vector<hundred> const& of, double full) {
  constexpr std::size_t together = 9;
  for (std::size_t i = 0; i + together <= of.size(); ++i) {
    if (median_rate(of, i, i + together) >= 0.95 * full) return i == 0 ? 0 : of[i - 1].end_s;
  }
  return 1e9;
}

/// Small requests one after the other, for so long. Requests a second.
double trickle(executor& pool, std::chrono::milliseconds time) {
  std::size_t requests = 0;
  auto const began = steady::now();
  for (; steady::now() - began < time; ++requests) {
    EXPECT_TRUE(pool.run({.route = "trickle"},
                         [](request_context& request) { std::memset(request.arena().allocate(8'000), 1, 8'000); })
                    .has_value());
    if (requests % 64 == 0) std::this_thread::sleep_for(1ms);
  }
  return static_cast<double>(requests) / seconds_since(began);
}

/// The trickle of the executor that had the burst beside that of one that never had any, in turns: what the machine
/// does meanwhile hits both.
TEST(Burst, MemoryIsBackInTenSecondsAndComesAgain) {
  executor pool{{.workers = 4}};
  executor calm{{.workers = 4, .name = "calm"}};
  trickle(calm, 250ms);
  trickle(pool, 250ms);
  std::size_t const own = resident_bytes();
  std::vector<hundred> const first = burst(pool, burst_requests());
  std::size_t const most = resident_bytes();
  EXPECT_GT(most, own + 50 * mib) << "the burst is one";
  auto const over = steady::now();
  auto const from_system = pool.pages().stats().classes[0].from_system;
  std::vector<double> kept;  // of the calm one's speed
  double back_s = 0;
  while (seconds_since(over) < 10 || (back_s == 0 && seconds_since(over) < 30)) {
    double const beside = trickle(calm, 100ms);
    kept.push_back(trickle(pool, 100ms) / beside);
    if (back_s == 0 && static_cast<double>(resident_bytes()) <= 1.2 * static_cast<double>(own)) {
      back_s = seconds_since(over);
      if (full_length() == nullptr) break;
    }
  }
  std::size_t const after = resident_bytes();
  EXPECT_EQ(pool.pages().stats().classes[0].from_system, from_system) << "the trickle never had to ask for pages again";
  std::vector<hundred> const again = burst(pool, burst_requests());
  double const full = median_rate(first, first.size() / 2, first.size());
  std::printf("resident: trickle %zu KiB, burst %zu, within 1.2 times the trickle's %.1f s after it, %zu in the end\n",
              own / 1024, most / 1024, back_s, after / 1024);
  std::printf("trickle after the burst: %.3f of that beside it, median of %zu pairs\n", median(kept), kept.size());
  std::printf("bursts: %.0f requests a second and %.0f; the second was as fast after %.2f s\n", full,
              median_rate(again, again.size() / 2, again.size()), seconds_to(again, full));
  EXPECT_LE(static_cast<double>(after), 1.2 * static_cast<double>(own));
  EXPECT_NE(back_s, 0) << "not within 30 s";
  EXPECT_LE(back_s, 10);
  EXPECT_GT(pool.stats().trimmed_bytes, 50 * mib);
  if (full_length() == nullptr) return;
  EXPECT_GE(median(kept), 0.98) << "of a trickle without a burst before it";
  EXPECT_LE(seconds_to(again, full), 1.0);
}

}  // namespace
