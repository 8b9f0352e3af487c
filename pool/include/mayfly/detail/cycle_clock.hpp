#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace mayfly::detail {

/// The executor's time stamps: the processor's invariant time stamp counter where there is one (10 ns a reading here,
/// against 26 ns for steady_clock), else steady_clock. Ticks are meaningful within one process only.
class cycle_clock {
 public:
  using ticks = std::uint64_t;

  /// The process's clock, calibrated against steady_clock by the first caller (about 2 ms). Thread-safe.
  static cycle_clock const& instance();

  /// Now, in ticks. Readings of one thread never go back; those of two threads agree to within the processors' skew
  /// (nanoseconds).
  [[nodiscard]] ticks now() const noexcept {
#if defined(__x86_64__)
    if (uses_tsc_) return __rdtsc();
#endif
    return static_cast<ticks>(std::chrono::steady_clock::now().time_since_epoch().count());
  }

  /// A length of ticks in nanoseconds; a negative length (two processors' skew) is 0.
  [[nodiscard]] std::uint64_t to_ns(ticks length) const noexcept {
    if (static_cast<std::int64_t>(length) < 0) return 0;
    return scaled(length);
  }

  /// The steady_clock's time at a reading of this clock taken within the last second or so: to some microseconds.
  /// Two loads, and once a second a reading of steady_clock, which corrects what the rate's error has summed up to.
  [[nodiscard]] std::chrono::steady_clock::time_point steady_at(ticks reading) const noexcept {
    // relaxed: each value stands for itself; a stale offset is off by the rate's error over a second
    if (reading - corrected_at_.load(std::memory_order_relaxed) > second_) correct(reading);
    std::int64_t const ns = static_cast<std::int64_t>(scaled(reading)) + offset_ns_.load(std::memory_order_relaxed);
    return std::chrono::steady_clock::time_point{std::chrono::nanoseconds{ns}};
  }

  /// The length in ticks of a duration (negative: 0).
  [[nodiscard]] ticks to_ticks(std::chrono::nanoseconds length) const noexcept {
    if (length.count() <= 0) return 0;
    return static_cast<ticks>(static_cast<double>(length.count()) * ticks_per_ns_);
  }

  [[nodiscard]] bool uses_tsc() const noexcept { return uses_tsc_; }

 private:
  cycle_clock();
  void calibrate() noexcept;
  void correct(ticks reading) const noexcept;

  __extension__ using wide = unsigned __int128;
  [[nodiscard]] std::uint64_t scaled(ticks length) const noexcept {
    return static_cast<std::uint64_t>((static_cast<wide>(length) * ns_per_tick_q32_) >> 32);
  }

  bool uses_tsc_ = false;
  std::uint64_t ns_per_tick_q32_ = std::uint64_t{1} << 32;
  double ticks_per_ns_ = 1.0;
  ticks second_ = 1'000'000'000;
  // written about once a second, by whoever asks first then
  alignas(64) mutable std::atomic<std::int64_t> offset_ns_{0};
  mutable std::atomic<ticks> corrected_at_{0};
};

}  // namespace mayfly::detail
