#pragma once

#include <mayfly/trace/tune.hpp>

#include <string>

namespace mayfly::stress {

/// One sentence: what was found, and how sure that is.
[[nodiscard]] std::string tune_verdict(trace::tuning_result const& found, trace::tuning_options const& options);

/// What was found, for people: several lines.
[[nodiscard]] std::string tune_table(trace::tuning_result const& found, trace::tuning_options const& options);

/// The recommended settings as a configuration file that `mayfly run --config` and executor_options::from_file() read.
[[nodiscard]] std::string tune_config(trace::tuning_result const& found, std::string const& of_trace);

/// One page of HTML that needs nothing else: the table, throughput against memory, where memory is wasted, reasons.
[[nodiscard]] std::string tune_page(trace::tuning_result const& found, trace::tuning_options const& options,
                                    std::string const& of_trace);

}  // namespace mayfly::stress
