// A burst of large requests, then a trickle of small ones, then a burst again: memory goes back, and comes again.
//
// MAYFLY_BURST=10000 in the environment makes the whole burst; by default it is a fifth of it.

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
#include <string>
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

std::size_t burst_requests() {
  char const* const asked = std::getenv("MAYFLY_BURST");
  return asked == nullptr ? 2'000 : std::strtoul(asked, nullptr, 10);
}

/// Large requests, a hundred of which live at once: each holds a MiB until all of its hundred have theirs. Requests a
/// second.
double burst(executor& pool, std::size_t requests) {
  constexpr std::size_t at_once = 100;
  auto const began = steady::now();
  for (std::size_t done = 0; done < requests; done += at_once) {
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
  return static_cast<double>(requests) / std::chrono::duration<double>(steady::now() - began).count();
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
  return static_cast<double>(requests) / std::chrono::duration<double>(steady::now() - began).count();
}

TEST(Burst, MemoryIsBackInTenSecondsAndComesAgain) {
  executor pool{{.workers = 4}};
  double const before = trickle(pool, 500ms);
  std::size_t const own = resident_bytes();
  double const first = burst(pool, burst_requests());
  std::size_t const most = resident_bytes();
  EXPECT_GT(most, own + 50 * mib) << "the burst is one";
  auto const over = steady::now();
  auto const from_system = pool.pages().stats().classes[0].from_system;
  std::vector<double> rates;
  std::chrono::duration<double> back{0};
  while (back.count() == 0 && steady::now() - over < 30s) {
    rates.push_back(trickle(pool, 500ms));
    if (static_cast<double>(resident_bytes()) <= 1.2 * static_cast<double>(own)) back = steady::now() - over;
  }
  std::size_t const after = resident_bytes();
  EXPECT_EQ(pool.pages().stats().classes[0].from_system, from_system) << "the trickle never had to ask for pages again";
  std::nth_element(rates.begin(), rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2), rates.end());
  double const again = burst(pool, burst_requests());
  std::printf("resident: trickle %zu KiB, burst %zu, %.1f s after it %zu\n", own / 1024, most / 1024, back.count(),
              after / 1024);
  std::printf("requests a second: trickle %.0f, after the burst %.0f; bursts %.0f and %.0f\n", before,
              rates[rates.size() / 2], first, again);
  EXPECT_LE(static_cast<double>(after), 1.2 * static_cast<double>(own));
  EXPECT_NE(back.count(), 0) << "not within 30 s";
  EXPECT_LE(back.count(), 10);
  EXPECT_GT(pool.stats().trimmed_bytes, 50 * mib);
}

}  // namespace
