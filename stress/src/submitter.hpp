#pragma once

#include <mayfly/stress/requests.hpp>
#include <mayfly/stress/stress_options.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace mayfly::stress {

/// Numbers for requests, one after the other, until enough is done.
class number_source {
 public:
  number_source(stress_options const& options, std::atomic<bool> const* stop);

  /// False: no more.
  [[nodiscard]] bool next(std::uint64_t& number, violation_log const& violations) noexcept;
  [[nodiscard]] std::uint64_t begun() const noexcept;
  /// Whether `stop` ended it.
  [[nodiscard]] bool stopped() const noexcept {
    return stop_ != nullptr && stop_->load(std::memory_order_relaxed);  // relaxed: a flag to be polled
  }

 private:
  std::atomic<bool> const* stop_;
  std::uint64_t end_;
  std::chrono::steady_clock::time_point until_;
  std::atomic<std::uint64_t> next_{0};
};

/// Submits requests until there are no more numbers.
void submit_all(world& in, std::size_t submitter, number_source& numbers);

}  // namespace mayfly::stress
