#pragma once

#include <atomic>
#include <cstdint>

namespace mayfly::detail {

/// A counter with one writer and any number of readers. Valid as zero bytes.
class own_counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    // relaxed: a figure for people; a load and a store are an increment where there is one writer
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace mayfly::detail
