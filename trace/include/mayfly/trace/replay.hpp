#pragma once

#include <mayfly/latency_histogram.hpp>
#include <mayfly/page_pool_options.hpp>
#include <mayfly/trace/trace.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace mayfly::trace {

inline constexpr unsigned most_replay_threads = 1'024;

/// With what a trace is played again.
struct replay_settings {
  page_pool_options pages{};
  /// The class of every request's first page; nothing: chosen by route, as an executor does.
  std::optional<std::size_t> first_class{};
  /// The trace's time between two calls of page_pool::end_epoch(); 0: none.
  std::chrono::nanoseconds epoch = std::chrono::seconds{1};
  /// 1 to 1,024; 0: as many as were recorded. What thread n did is done by thread n modulo this.
  unsigned threads = 0;
  /// Called now and then with the part that is done, 0 to 1; false: stop there. By one thread at a time.
  std::function<bool(double)> progress{};
};

/// Pages of one class.
struct class_figures {
  std::uint64_t taken = 0;
  std::uint64_t from_depot = 0;   ///< takes that had to fetch a magazine from the depot
  std::uint64_t from_system = 0;  ///< takes that needed new memory from the system
  friend bool operator==(class_figures const&, class_figures const&) = default;
};

/// What a replay took, in bytes where nothing else is said. Sums over all arenas at their ends but for what is
/// committed.
struct memory_figures {
  std::uint64_t requests = 0;
  std::uint64_t arenas = 0;
  std::uint64_t allocations = 0;
  std::uint64_t refused = 0;  ///< allocations that the settings have no memory for
  std::uint64_t handed_out_bytes = 0;
  std::uint64_t tail_waste_bytes = 0;
  std::uint64_t room_bytes = 0;
  std::uint64_t skipped_bytes = 0;
  std::uint64_t oversize_slack_bytes = 0;
  std::uint64_t reserved_bytes = 0;
  std::array<class_figures, page_pool_options::classes> pages{};
  std::uint64_t blocks_from_cache = 0;
  std::uint64_t blocks_from_system = 0;
  std::uint64_t returned_bytes = 0;  ///< given back to the system by the working-set rule
  std::uint64_t peak_committed_bytes = 0;
  friend bool operator==(memory_figures const&, memory_figures const&) = default;
};

/// What a simulation came to.
struct simulation {
  memory_figures memory{};
  double mean_committed_bytes = 0;  ///< over the trace's time, pauses included
  std::chrono::nanoseconds took{};  ///< the simulation itself
  bool whole = true;                ///< false: stopped by `progress`
};

/// Plays the trace on a page pool and arenas whose memory nobody touches, all its threads on this one, in the order of
/// the trace's times. The pool and the arenas are those that run in production; only the memory behind them is not. So
/// any number of threads and any amount of memory can be tried, as long as the addresses last.
///
/// Each arena's operations are done when it was opened, all at once. Throws as page_pool's constructor does, and
/// std::bad_alloc.
[[nodiscard]] simulation simulate(trace const& of, replay_settings const& settings);

/// What a real replay measured besides.
struct replay_report {
  memory_figures memory{};
  std::chrono::nanoseconds took{};
  latency_histogram latency{};          ///< of an arena: its operations and its end
  std::size_t peak_resident_bytes = 0;  ///< of the process, beyond what it had before
  bool peak_is_exact = true;            ///< false: the system hides its own; the largest of looks 200 us apart
  /// The same over the trace's time, in which a pause lasts as long as it did: read when an epoch ends, and 64 times
  /// besides.
  double mean_resident_bytes = 0;
  std::uint64_t page_faults = 0;  ///< of the process
  bool whole = true;
};

/// How fast a real replay goes.
enum class pace : std::uint8_t { full_speed, real_time };

/// Plays the trace on a real pool with real threads, and writes to each cache line that is handed out. What one
/// thread opened it also closes. At full speed, threads wait for nobody: the trace's order holds within each, and
/// epochs end by the trace's time where the thread with the most arenas has come. In real time `progress` is asked ten
/// times a second, pauses included. Throws as simulate(), and std::system_error where a thread cannot be started.
[[nodiscard]] replay_report replay(trace const& of, replay_settings const& settings, pace how);

}  // namespace mayfly::trace
