#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace mayfly::detail {

/// Buckets of a histogram, as HdrHistogram (Gil Tene) has them: exact below 2^(SubBits + 1), then 2^SubBits buckets for
/// each power of two, up to 2^TopBit; what is greater lands in the last one. A bucket is at most 1/2^SubBits of its
/// values wide, and none lies on both sides of a power of two.
template <unsigned SubBits, unsigned TopBit>
struct log_linear_buckets {
  static constexpr unsigned sub_bits = SubBits;
  static constexpr std::uint64_t sub_count = std::uint64_t{1} << sub_bits;
  static constexpr unsigned top_bit = TopBit;
  static constexpr std::size_t count = (top_bit - sub_bits + 1) * sub_count;

  static constexpr std::size_t index_of(std::uint64_t value) noexcept {
    if (value < 2 * sub_count) return static_cast<std::size_t>(value);
    unsigned const shift = static_cast<unsigned>(std::bit_width(value)) - (sub_bits + 1);
    std::size_t const index = static_cast<std::size_t>(shift * sub_count + (value >> shift));
    return index < count ? index : count - 1;
  }
  /// The least value of a bucket.
  static constexpr std::uint64_t lower_bound(std::size_t index) noexcept {
    if (index < 2 * sub_count) return index;
    std::uint64_t const shift = index / sub_count - 1;
    return (index % sub_count + sub_count) << shift;
  }
  /// The greatest value of a bucket.
  static constexpr std::uint64_t upper_bound(std::size_t index) noexcept {
    return index + 1 < count ? lower_bound(index + 1) - 1 : ~std::uint64_t{0};
  }
};

}  // namespace mayfly::detail
