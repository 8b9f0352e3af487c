#pragma once

#include <mayfly/trace/replay.hpp>

#include <chrono>
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
  memory,      ///< the least memory held, over the trace's time, at no more than a twentieth more of that time
};

/// How to tune.
struct tuning_options {
  tuning_goal goal = tuning_goal::throughput;
  /// What a run may hold at most, in bytes.
  std::size_t max_bytes = std::numeric_limits<std::size_t>::max();
  std::uint64_t seed = 1;
  std::size_t points = 2048;  ///< settings that are tried in the model: 8 to 100,000
  /// In which finalists take turns with today's settings, at most, and then as many of the best alone with today's: 5
  /// to 1,000.
  unsigned rounds = 15;
  /// What is gained has to be so much, or nothing that was measured is recommended, 0 to 1: for throughput of the time
  /// for which the recorded run's arenas were open, which is about that of its requests; for memory of what is held on
  /// average.
  double least_gain = 0.02;
  /// Called now and then with what is being done and the part of it that is done; false: stop, with the best so far.
  std::function<bool(char const* what, double done)> progress{};
};

/// Whether they agree in everything that tune() searches.
[[nodiscard]] bool same(replay_settings const& a, replay_settings const& b) noexcept;

/// Settings that were tried in the model.
struct tried_settings {
  replay_settings settings{};
  memory_figures memory{};
  double mean_committed_bytes = 0;
  double cost_ns = 0;  ///< what its pages and blocks would take, by the model's prices
  double part = 0;     ///< of the trace's steps that were played: 1 is all of it
  bool fits = true;    ///< within max_bytes, and nothing refused
};

/// Settings that were measured, by their medians over rounds but where something else is said.
struct measured_settings {
  replay_settings settings{};
  double requests_per_s = 0;  ///< as fast as their memory can be had: the requests' own work is not in it
  double ns_per_allocation = 0;
  double p99_ns = 0;        ///< of an arena: its operations and its end
  double memory_share = 0;  ///< that time, of all arenas, as a part of the time for which they were open when recorded
  double peak_resident_bytes = 0;
  double largest_peak_bytes = 0;  ///< of all rounds: what max_bytes bounds
  bool peak_is_exact = true;      ///< as in replay_report, in every round
  double mean_resident_bytes = 0;
  double page_faults = 0;
  double pages_from_system = 0;
  unsigned rounds = 0;
  unsigned rounds_won = 0;    ///< in which the goal's figure was better than today's
  double gain = 0;            ///< by which part it was better in the median round; below 0: worse
  double slower = 0;          ///< by which part its time was longer than today's in the median round; below 0: shorter
  bool is_confirmed = false;  ///< by rounds that had no part in choosing it: `rounds` are those
};

/// What speaks for the settings that are recommended.
enum class tuning_proof : std::uint8_t {
  nothing,   ///< they are today's: nothing that was tried is better beyond the noise, and within the bounds
  model,     ///< stopped before anything was measured: the best of the model so far
  rounds,    ///< stopped while measuring: the best so far, which may be noise
  measured,  ///< measured, and better beyond the noise
};

/// What tuning found.
struct tuning_result {
  replay_settings recommended{};
  tuning_proof proof = tuning_proof::nothing;
  measured_settings today{};
  std::vector<measured_settings> finalists;  ///< best first; none of them need be better than today's
  std::vector<tried_settings> tried;         ///< in the model, of the last rung: today's first
  std::vector<tried_settings> without;       ///< the recommended ones with one setting as today's, in the model
  /// The best finalist's gain, as a part of the whole that tuning_options::least_gain names. 0: nothing was measured.
  double gain_in_all = 0;
  bool today_fits = true;  ///< today's settings kept within max_bytes when they were measured
  bool whole = true;       ///< false: stopped by `progress`
  std::uint64_t allocations_modelled = 0;
  std::chrono::nanoseconds modelled_for{};
};

/// Searches page sizes, growth, magazines, first pages, from what size an allocation has a block of its own, and what
/// stays idle for the settings that suit the trace best: in the model (successive halving; Jamieson and Talwalkar
/// 2016), on a sixteenth of the trace, a quarter, and all of it. What of a finalist makes no difference there is put
/// back to today's. The best four are played for real, in turns with `today` on this machine; the best of those then
/// again, in fresh rounds: a sign test of these alone (one in twenty) decides, so that four looks do not make four
/// chances. Where today's do not keep within max_bytes, whatever does is better. The trace has to be of a run that is
/// as busy as what is tuned for. Throws as simulate() and replay() do, std::invalid_argument naming an option.
[[nodiscard]] tuning_result tune(trace const& of, replay_settings const& today, tuning_options const& options);

/// One sentence for each setting that differs, on what speaks for it in the model.
[[nodiscard]] std::vector<std::string> reasons(tuning_result const& found);

}  // namespace mayfly::trace
