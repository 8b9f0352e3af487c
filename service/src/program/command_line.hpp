#pragma once

#include <mayfly/service/run_options.hpp>

#include <optional>

namespace mayfly::service {

/// What the command line asks for: a run, or nothing more than to end with `exit` (help was shown, or what is wrong).
struct parsed_command_line {
  std::optional<run_options> run;
  int exit = 0;
};

/// Reads the command line and the configuration file that it names. Shows help and complaints itself.
[[nodiscard]] parsed_command_line parse_command_line(int argc, char const* const* argv);

}  // namespace mayfly::service
