#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace mayfly::stress {

/// Something that may not happen, and has.
struct violation {
  std::optional<std::uint64_t> number;  ///< of the request; none: of the run as a whole
  std::string expected;
  std::string seen;
};

/// What has been found wrong in a run. Any thread.
class violation_log {
 public:
  static constexpr std::size_t most_kept = 20;

  void add(std::optional<std::uint64_t> number, std::string expected, std::string seen);

  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_.load(std::memory_order_relaxed);  // relaxed: a figure, and a reason to end early
  }
  /// The first of them, at most most_kept.
  [[nodiscard]] std::vector<violation> first() const;

 private:
  std::atomic<std::uint64_t> count_{0};
  mutable std::mutex mutex_;  // guards kept_
  std::vector<violation> kept_;
};

}  // namespace mayfly::stress
