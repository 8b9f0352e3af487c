#pragma once

#include <mayfly/stress/stress_options.hpp>

#include <optional>

namespace mayfly::stress {

/// What the command line asks for; without options the program ends with that exit code.
struct parsed_command_line {
  std::optional<stress_options> stress;
  int exit = 0;
};

/// Prints help, the version or what is wrong.
[[nodiscard]] parsed_command_line parse_command_line(int argc, char const* const* argv);

}  // namespace mayfly::stress
