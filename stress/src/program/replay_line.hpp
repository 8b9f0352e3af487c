#pragma once

#include <mayfly/stress/replay_command.hpp>

#include <CLI/CLI.hpp>

namespace mayfly::stress {

/// Adds `replay` and all that can be said to it; `into` is filled when the line is parsed, and has to live until then.
CLI::App* add_replay(CLI::App& to, replay_options& into);

/// Adds what can be said of memory, for `replay` and its kin.
void add_memory_settings(CLI::App& to, memory_settings& into);

}  // namespace mayfly::stress
