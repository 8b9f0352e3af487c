#pragma once

#include <mayfly/detail/log_linear_buckets.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mayfly {

namespace detail {

/// Up to 2^42 ns (73 minutes).
using latency_buckets = log_linear_buckets<5, 42>;

}  // namespace detail

/// A distribution of latencies, merged from many writers: a plain value.
///
/// Error bound: a percentile is never below the true one, and above it by at most 1/32 (3.2 %); max and mean are
/// exact. Values above 73 minutes count as the longest seen.
class latency_histogram {
 public:
  using buckets = detail::latency_buckets;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  /// The least recorded-and-rounded-up latency that at least `fraction` (0..1) of all were at or below; 0 when empty.
  [[nodiscard]] std::chrono::nanoseconds percentile(double fraction) const noexcept;

  [[nodiscard]] std::chrono::nanoseconds p50() const noexcept { return percentile(0.50); }
  [[nodiscard]] std::chrono::nanoseconds p90() const noexcept { return percentile(0.90); }
  [[nodiscard]] std::chrono::nanoseconds p99() const noexcept { return percentile(0.99); }
  [[nodiscard]] std::chrono::nanoseconds p999() const noexcept { return percentile(0.999); }
  [[nodiscard]] std::chrono::nanoseconds max() const noexcept { return nanoseconds_of(max_); }
  [[nodiscard]] std::chrono::nanoseconds mean() const noexcept {
    return nanoseconds_of(count_ == 0 ? 0 : sum_ / count_);
  }

  /// Counts one latency.
  void add(std::chrono::nanoseconds latency) noexcept;
  /// Counts all of `other`'s too.
  void merge(latency_histogram const& other) noexcept;

 private:
  friend class latency_recorder;
  static std::chrono::nanoseconds nanoseconds_of(std::uint64_t value) noexcept {
    return std::chrono::nanoseconds{static_cast<std::chrono::nanoseconds::rep>(value)};
  }

  std::array<std::uint64_t, buckets::count> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

/// A histogram with one writer thread and any number of readers: plain stores, no read-modify-write, no line of it
/// written by anyone else. A reader may see a recording in one figure and not yet in another.
class latency_recorder {
 public:
  using buckets = detail::latency_buckets;

  /// Counts one latency in nanoseconds. The writer only. Some nanoseconds.
  void record(std::uint64_t ns) noexcept {
    add_to(counts_[buckets::index_of(ns)], 1);
    add_to(sum_, ns);
    // relaxed: this thread is the only writer, and readers need no order
    if (ns > max_.load(std::memory_order_relaxed)) max_.store(ns, std::memory_order_relaxed);
  }

  /// Adds all that was recorded to `into`. Any thread.
  void add_to_histogram(latency_histogram& into) const noexcept;

 private:
  static void add_to(std::atomic<std::uint64_t>& cell, std::uint64_t amount) noexcept {
    // relaxed: as above; a load and a store are an increment where there is one writer
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  alignas(64) std::array<std::atomic<std::uint64_t>, buckets::count> counts_{};  // written by the one writer
  std::atomic<std::uint64_t> sum_{0};
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace mayfly
