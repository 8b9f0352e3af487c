#pragma once

#include <mayfly/service/run_options.hpp>
#include <mayfly/service/runner.hpp>

#include <string>

namespace mayfly::service {

/// The summary as a table for people, several lines.
[[nodiscard]] std::string summary_table(run_options const& options, run_summary const& summary);

/// The summary as one JSON object with a line feed, for programs. docs/run.md lists its keys.
[[nodiscard]] std::string summary_json(run_options const& options, run_summary const& summary);

}  // namespace mayfly::service
