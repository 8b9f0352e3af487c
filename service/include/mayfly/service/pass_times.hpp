#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace mayfly::service {

/// When the passes over a repeated input ended, in bounded memory.
///
/// Keeps the end of every `stride`-th pass: of each one, until `most` are kept; then every second one goes, the stride
/// doubles, and so on. One thread at a time.
class pass_times {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t most = 65'536;  // 512 KiB; an even number, so that thin() keeps whole strides

  /// With room for that many passes: end_pass() allocates for further ones only.
  explicit pass_times(std::size_t passes = 0) { ends_.reserve(std::min(passes, most)); }

  void end_pass(clock::time_point now) {
    ++count_;
    if (ends_.size() == most) thin();
    if (count_ % stride_ == 0) ends_.push_back(now);
  }

  /// Passes that have ended.
  [[nodiscard]] std::size_t count() const { return count_; }

  /// How long each took; where the stride is more than 1, how long its passes took on average.
  [[nodiscard]] std::vector<std::chrono::nanoseconds> durations(clock::time_point began) const {
    std::vector<std::chrono::nanoseconds> times;
    times.reserve(ends_.size());
    for (auto const end : ends_) {
      times.push_back((end - began) / static_cast<std::chrono::nanoseconds::rep>(stride_));
      began = end;
    }
    return times;
  }

 private:
  void thin() {
    for (std::size_t i = 1; i < ends_.size(); i += 2) ends_[i / 2] = ends_[i];
    ends_.resize(ends_.size() / 2);
    stride_ *= 2;
  }

  std::size_t count_ = 0;
  std::size_t stride_ = 1;
  std::vector<clock::time_point> ends_;
};

}  // namespace mayfly::service
