#include <mayfly/detail/cycle_clock.hpp>

#include <cmath>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace mayfly::detail {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

std::int64_t steady_ns() noexcept {
  return std::chrono::duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

#if defined(__x86_64__)
/// CPUID 8000'0007h, EDX bit 8: the counter runs at one rate in all power states and on all cores.
bool has_invariant_tsc() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0x80000000U, &a, &b, &c, &d) == 0 || a < 0x80000007U) return false;
  if (__get_cpuid(0x80000007U, &a, &b, &c, &d) == 0) return false;
  return (d & (1U << 8)) != 0;
}

struct reading {
  std::uint64_t tsc;
  std::int64_t ns;
};

/// Both clocks at (nearly) one moment: of some tries, the one with the least time between two counter readings.
reading read_both() noexcept {
  reading best{};
  std::uint64_t best_gap = ~std::uint64_t{0};
  for (int i = 0; i < 16; ++i) {
    std::uint64_t const before = __rdtsc();
    std::int64_t const ns = steady_ns();
    std::uint64_t const after = __rdtsc();
    if (after - before < best_gap) {
      best_gap = after - before;
      best = {before + (after - before) / 2, ns};
    }
  }
  return best;
}
#endif

}  // namespace

cycle_clock::cycle_clock() {
  calibrate();
  correct(now());
}

cycle_clock const& cycle_clock::instance() {
  static cycle_clock const clock;
  return clock;
}

void cycle_clock::calibrate() noexcept {
#if defined(__x86_64__)
  if (!has_invariant_tsc()) return;
  reading const start = read_both();
  // 2 ms: the two readings' error of some 20 ns is then 1e-5 of the length, 50 us in a deadline of 5 s.
  while (steady_ns() - start.ns < 2'000'000) {
  }
  reading const end = read_both();
  double const rate = static_cast<double>(end.tsc - start.tsc) / static_cast<double>(end.ns - start.ns);
  bool const plausible = rate > 0.1 && rate < 100.0;
  if (!plausible) return;  // a counter that does not count: stay with steady_clock
  ticks_per_ns_ = rate;
  ns_per_tick_q32_ = static_cast<std::uint64_t>(std::llround(static_cast<double>(std::uint64_t{1} << 32) / rate));
  second_ = static_cast<ticks>(rate * 1e9);
  uses_tsc_ = true;
#endif
}

void cycle_clock::correct(ticks reading) const noexcept {
#if defined(__x86_64__)
  if (uses_tsc_) {
    // Both clocks at one moment: a thread that loses its processor between two readings must not make the offset wrong
    // by that long, for every deadline of a second.
    auto const [tsc, ns] = read_both();
    offset_ns_.store(ns - static_cast<std::int64_t>(scaled(tsc)),
                     std::memory_order_relaxed);  // relaxed: see steady_at()
  }
#endif
  // The caller's reading only as the mark of when: it may be from a moment ago.
  corrected_at_.store(reading, std::memory_order_relaxed);  // relaxed: as above
}

}  // namespace mayfly::detail
