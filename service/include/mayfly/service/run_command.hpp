#pragma once

#include <mayfly/service/run_options.hpp>
#include <mayfly/service/runner.hpp>

#include <atomic>
#include <functional>

namespace mayfly::service {

/// How `mayfly` ends.
enum class exit_code : int {
  ok = 0,
  trouble = 2,       ///< what was asked makes no sense, or input or output failed
  some_failed = 3,   ///< the run is complete, and some requests have an error for an answer
  interrupted = 130  ///< by Ctrl-C or SIGTERM; what had been read was answered
};

/// What the process around a run lends to it.
struct run_surroundings {
  std::atomic<bool> const* stop = nullptr;
  int stop_file = -1;
  malloc_counter count_mallocs = nullptr;
  /// Called around the making of threads; may be empty.
  std::function<void(std::function<void()> const&)> around_threads;
};

/// `mayfly run`, from checked options to exit code. Says what goes wrong on standard error.
[[nodiscard]] exit_code run_command(run_options const& options, run_surroundings const& surroundings);

}  // namespace mayfly::service
