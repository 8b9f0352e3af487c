#pragma once

#include <mayfly/detail/log_linear_buckets.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace mayfly::detail {

/// Sizes are counted in units of 64 bytes, rounded up, so that what just fits a page lies below what does not. From 64
/// bytes to 1 GiB.
struct size_buckets : log_linear_buckets<4, 24> {
  static constexpr std::size_t unit_bytes = 64;

  /// The bucket of a size above zero.
  static constexpr std::size_t index_of_bytes(std::size_t bytes) noexcept { return index_of((bytes - 1) / unit_bytes); }
  /// The greatest size in a bucket.
  static constexpr std::size_t most_bytes(std::size_t index) noexcept {
    return index + 1 < count ? static_cast<std::size_t>(lower_bound(index + 1)) * unit_bytes
                             : std::size_t{1} << (top_bit + 6);
  }
};

/// How sizes are distributed, as a plain value: buckets as HdrHistogram's (log_linear_buckets.hpp). A quantile is never
/// below the true one, and above it by at most a sixteenth or 64 bytes.
struct size_counts {
  std::array<std::uint64_t, size_buckets::count> of{};
  std::uint64_t zeros = 0;

  /// Of sizes above zero.
  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (std::uint64_t const here : of) sum += here;
    return sum;
  }

  /// The least size that at least `fraction` (0..1) of all above zero are at or below; 0 where there is none.
  [[nodiscard]] std::size_t quantile(double fraction) const noexcept {
    std::uint64_t const all = count();
    if (all == 0) return 0;
    auto const wanted =
        static_cast<std::uint64_t>(std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(all)));
    std::uint64_t const rank = std::max<std::uint64_t>(wanted, 1);
    std::uint64_t seen = 0;
    std::size_t i = 0;
    for (; i + 1 < of.size(); ++i) {
      seen += of[i];
      if (seen >= rank) break;
    }
    return size_buckets::most_bytes(i);
  }
};

/// The same with one writer thread and any number of readers, who may see a size in one figure and not yet in another.
/// Valid as zero bytes.
class size_recorder {
 public:
  /// The writer only. Some instructions.
  void record(std::size_t bytes) noexcept { add_one(bytes == 0 ? zeros_ : of_[size_buckets::index_of_bytes(bytes)]); }

  void add_to(size_counts& into) const noexcept {
    // relaxed: figures, which order nothing
    into.zeros += zeros_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < of_.size(); ++i) into.of[i] += of_[i].load(std::memory_order_relaxed);
  }

  /// The writer only.
  void clear() noexcept {
    zeros_.store(0, std::memory_order_relaxed);  // relaxed: as above
    for (auto& one : of_) one.store(0, std::memory_order_relaxed);
  }

 private:
  static void add_one(std::atomic<std::uint32_t>& cell) noexcept {
    // relaxed: a load and a store are an increment where there is one writer
    cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint32_t>, size_buckets::count> of_;
  std::atomic<std::uint32_t> zeros_;
};

}  // namespace mayfly::detail
