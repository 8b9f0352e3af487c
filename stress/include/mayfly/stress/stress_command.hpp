#pragma once

#include <mayfly/stress/stress_options.hpp>
#include <mayfly/stress/stress_run.hpp>

namespace mayfly::stress {

/// How `mayfly-stress` ends.
enum class exit_code : int {
  clean = 0,
  wrong = 1,         ///< there are violations
  trouble = 2,       ///< what was asked makes no sense
  stalled = 4,       ///< the watchdog ended it
  interrupted = 130  ///< by Ctrl-C or SIGTERM, clean as far as it went
};

/// `mayfly-stress stress`, from complete() options to exit code.
[[nodiscard]] exit_code stress_command(stress_options const& options, run_surroundings surroundings);

}  // namespace mayfly::stress
