#pragma once

#include <mayfly/schedule_point.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mayfly::detail {

/// How many blocks are in use, and how much memory lies idle in the others, in one word:
///
///     63        36 35         0
///     [  in use   | idle units ]        a unit is page_pool::block_unit_bytes
///
/// so that a block that is taken or given back is one locked instruction, and the limit of what may lie idle is exact.
/// Any thread. Relaxed throughout: figures and a limit, which order nothing; the blocks themselves go from thread to
/// thread by other words.
class block_tally {
 public:
  static constexpr std::size_t unit_bytes = std::size_t{4} << 10U;

  /// A block whose memory is new, or comes back out of quarantine.
  void start() noexcept { word_.fetch_add(one_block, std::memory_order_relaxed); }
  /// One that will not lie idle.
  void end() noexcept { word_.fetch_sub(one_block, std::memory_order_relaxed); }
  /// An idle one.
  void take(std::size_t bytes) noexcept { word_.fetch_add(one_block - units(bytes), std::memory_order_relaxed); }
  /// One that is not in use any more. false: it may not lie idle, since `most` bytes would be exceeded.
  [[nodiscard]] bool give(std::size_t bytes, std::size_t most) noexcept {
    std::uint64_t const before = word_.fetch_add(units(bytes) - one_block, std::memory_order_relaxed);
    if (idle_of(before) + bytes <= most) return true;
    MAYFLY_SCHEDULE_POINT("block-tally-refuse");
    drop_idle(bytes);
    return false;
  }
  /// Idle memory comes and goes without a block that was in use.
  void add_idle(std::size_t bytes) noexcept { word_.fetch_add(units(bytes), std::memory_order_relaxed); }
  void drop_idle(std::size_t bytes) noexcept { word_.fetch_sub(units(bytes), std::memory_order_relaxed); }

  [[nodiscard]] std::size_t idle_bytes() const noexcept { return idle_of(word_.load(std::memory_order_relaxed)); }
  [[nodiscard]] std::uint64_t in_use() const noexcept { return word_.load(std::memory_order_relaxed) >> idle_bits; }

 private:
  static constexpr unsigned idle_bits = 36;  // 256 TiB, more than an address space
  static constexpr std::uint64_t one_block = std::uint64_t{1} << idle_bits;

  static std::uint64_t units(std::size_t bytes) noexcept { return bytes / unit_bytes; }
  static std::size_t idle_of(std::uint64_t word) noexcept {
    return static_cast<std::size_t>(word & (one_block - 1)) * unit_bytes;
  }

  std::atomic<std::uint64_t> word_{0};
};

}  // namespace mayfly::detail
