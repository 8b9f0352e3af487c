#pragma once

#include <mayfly/trace/replay.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace mayfly::trace {

/// What tuning is for.
enum class tuning_goal : std::uint8_t {
  throughput,  ///< the least time for the memory of a request
  memory,      ///< the least memory held, over time, at no more than a twentieth more of that time
};

/// How to tune.
struct tuning_options {
  tuning_goal goal = tuning_goal::throughput;
  /// What a run may hold at most, in bytes.
  std::size_t max_bytes = std::numeric_limits<std::size_t>::max();
  std::uint64_t seed = 1;
  std::size_t points = 512;  ///< settings that are tried in the model: 8 to 100,000
  unsigned rounds = 15;      ///< in which finalists take turns with today's settings, at most: 5 to 1,000
  /// Called now and then with what is being done and the part of it that is done; false: stop, with the best so far.
  std::function<bool(char const* what, double done)> progress{};
};

/// Settings that were tried in the model.
struct tried_settings {
  replay_settings settings{};
  memory_figures memory{};
  double mean_committed_bytes = 0;
  double cost_ns = 0;  ///< what its pages and blocks would take, by the model's prices
  bool whole = false;  ///< on all of the trace, not on a part
  bool fits = true;    ///< within max_bytes, and nothing refused
};

/// Settings that were measured, by their medians over rounds.
struct measured_settings {
  replay_settings settings{};
  double ns_per_allocation = 0;
  double p99_ns = 0;
  double peak_resident_bytes = 0;
  double mean_resident_bytes = 0;
  double page_faults = 0;
  double pages_from_system = 0;
  unsigned rounds = 0;
  unsigned rounds_won = 0;  ///< in which the goal's figure was better than today's
  double gain = 0;          ///< by which part it was better in the median round; below 0: worse
};

/// What tuning found.
struct tuning_result {
  measured_settings today{};
  std::vector<measured_settings> finalists;  ///< best first; none of them need be better than today's
  std::vector<tried_settings> tried;         ///< in the model, today's first
  bool better = false;                       ///< the first finalist is better than today's, beyond the noise
  bool whole = true;                         ///< false: stopped by `progress`
};

/// Searches page sizes, magazines, first pages and what stays idle for the settings that suit the trace best: in the
/// model (successive halving; Jamieson and Talwalkar 2016), then the best few for real, in turns with `today` on this
/// machine, until a sign test tells them apart (one in twenty) or the rounds are over. The trace has to be of a run
/// that is as busy as what is tuned for. Throws as simulate() and replay() do, std::invalid_argument naming an option.
[[nodiscard]] tuning_result tune(trace const& of, replay_settings const& today, tuning_options const& options);

/// One sentence for each setting that differs, on what speaks for it.
[[nodiscard]] std::vector<std::string> reasons(tuning_result const& found);

}  // namespace mayfly::trace
