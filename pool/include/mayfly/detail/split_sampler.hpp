#pragma once

#include <mayfly/detail/own_counter.hpp>
#include <mayfly/memory_split.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mayfly::detail {

/// Looks at one in 16 requests when they end: looking at each would cost more than 5 % of a small one. The first, and
/// then at random, so that no rhythm of requests is missed. Written by one worker. Valid as zero bytes.
class split_sampler {
 public:
  /// Whether the request that ends now is to be looked at.
  [[nodiscard]] bool due() noexcept {
    if (skips_ == 0) [[unlikely]]
      return true;
    --skips_;
    return false;
  }
  void sample(scope& ended) noexcept;
  void add_to(memory_split& sum) const noexcept;

 private:
  std::uint32_t skips_;  // until the next
  std::uint64_t random_;
  std::array<own_counter, memory_split::figures.size()> sums_;
};

}  // namespace mayfly::detail
