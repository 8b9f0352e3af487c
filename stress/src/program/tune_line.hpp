#pragma once

#include <mayfly/stress/tune_command.hpp>

#include <CLI/CLI.hpp>

namespace mayfly::stress {

/// Adds `tune` and all that can be said to it; `into` is filled when the line is parsed, and has to live until then.
CLI::App* add_tune(CLI::App& to, tune_options& into);

}  // namespace mayfly::stress
