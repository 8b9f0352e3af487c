#pragma once

#include <mayfly/stress/replay_command.hpp>
#include <mayfly/stress/stress_options.hpp>
#include <mayfly/stress/tune_command.hpp>

#include <optional>

namespace mayfly::stress {

/// What the command line asks for: one of its commands; without one the program ends with that exit code.
struct parsed_command_line {
  std::optional<stress_options> stress{};  ///< also for record
  std::optional<replay_options> replay{};
  std::optional<tune_options> tune{};
  int exit = 0;
};

/// Prints help, the version or what is wrong.
[[nodiscard]] parsed_command_line parse_command_line(int argc, char const* const* argv);

}  // namespace mayfly::stress
