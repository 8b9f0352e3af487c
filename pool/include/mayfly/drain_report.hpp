#pragma once

#include <mayfly/scope_id.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace mayfly {

/// A request that had not ended.
struct straggler {
  scope_id id;
  std::string route;
  std::string phase;  ///< queued, running, completing, held, or closing: its destructors run, or a pin keeps its memory
  std::chrono::nanoseconds age{};
};

/// What executor::drain() found.
struct drain_report {
  /// In flight when draining began.
  std::size_t found = 0;
  /// Asked to stop because the soft limit had passed, in the state they were in then.
  std::vector<straggler> cancelled;
  /// Not ended when drain() gave up: they still run, or are still held.
  std::vector<straggler> remaining;
  /// Timers that had not fired when draining began: they never will.
  std::size_t timers_dropped = 0;
  std::chrono::nanoseconds took{};

  [[nodiscard]] bool complete() const noexcept { return remaining.empty(); }
  /// The report for a log: one line, and one more for each straggler.
  [[nodiscard]] std::string to_string() const;
};

}  // namespace mayfly
