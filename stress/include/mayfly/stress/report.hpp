#pragma once

#include <mayfly/stress/stress_options.hpp>
#include <mayfly/stress/stress_run.hpp>

#include <cstddef>
#include <string>

namespace mayfly::stress {

/// "no violation", or how many and how to see them again.
[[nodiscard]] std::string verdict(run_result const& result);

/// Each violation kept, and the command that repeats them; empty where there is none.
[[nodiscard]] std::string violations_text(stress_options const& options, run_result const& result);

/// What was done, as a table for people.
[[nodiscard]] std::string report_table(stress_options const& options, run_result const& result);

/// The same as one JSON object on one line.
[[nodiscard]] std::string report_json(stress_options const& options, run_result const& result);

/// The progress line, shorter than `columns`.
[[nodiscard]] std::string progress_text(world const& of, stress_options const& options,
                                        std::chrono::nanoseconds elapsed, std::size_t columns);

}  // namespace mayfly::stress
