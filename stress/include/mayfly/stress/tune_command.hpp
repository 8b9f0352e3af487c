#pragma once

#include <mayfly/stress/replay_command.hpp>
#include <mayfly/trace/tune.hpp>

#include <atomic>
#include <string>

namespace mayfly::stress {

/// What `mayfly-stress tune` is told.
struct tune_options {
  std::string trace;
  trace::tuning_options tuning;
  unsigned threads = 0;
  memory_settings today;
  std::string out;     ///< where mayfly.toml goes; empty: nowhere
  std::string report;  ///< where the page goes; empty: nowhere
  bool quiet = false;
};

/// `mayfly-stress tune`, from options to exit code.
[[nodiscard]] exit_code tune_command(tune_options const& options, std::atomic<bool> const& stop);

}  // namespace mayfly::stress
