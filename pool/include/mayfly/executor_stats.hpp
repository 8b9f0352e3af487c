#pragma once

#include <mayfly/latency_histogram.hpp>

#include <cstddef>
#include <cstdint>

namespace mayfly {

/// What an executor has done since it was made. Each figure is exact some time after the last request; while requests
/// run, figures of different workers are from slightly different moments.
struct executor_stats {
  // since the start
  std::uint64_t accepted = 0;
  std::uint64_t refused_queue_full = 0;
  std::uint64_t refused_over_budget = 0;
  std::uint64_t refused_expired = 0;
  std::uint64_t refused_draining = 0;
  std::uint64_t refused_escapes = 0;
  std::uint64_t refused_other = 0;

  std::uint64_t values = 0;      ///< requests that ended with a value
  std::uint64_t exceptions = 0;  ///< ... whose handler threw
  std::uint64_t cancelled = 0;
  std::uint64_t expired = 0;
  std::uint64_t completion_failures = 0;  ///< completions that threw

  std::uint64_t timers_set = 0;
  std::uint64_t timers_fired = 0;      ///< timers whose task was accepted
  std::uint64_t timers_cancelled = 0;  ///< by cancel_timer()
  std::uint64_t timers_dropped = 0;    ///< by draining, or refused when their time came

  std::uint64_t trimmed_bytes = 0;   ///< given back to the system by executor_options::trim_interval
  std::uint64_t pressure_trims = 0;  ///< times it gave back all that was idle, since memory was short
  std::uint64_t wakeups = 0;         ///< times a worker slept and was woken
  std::uint64_t helped_regions = 0;  ///< times a worker went to help with nested work
  std::uint64_t helped_chunks = 0;   ///< pieces of nested work run by another thread than the request's

  // now
  std::size_t workers = 0;  ///< as asked for last, by the options or set_workers()
  std::size_t leaving = 0;  ///< threads beyond that, which end after the request or nested work at hand
  std::size_t queued = 0;
  std::size_t in_flight = 0;  ///< accepted and not ended, held ones included
  std::size_t parked = 0;     ///< workers asleep
  std::size_t timers_waiting = 0;

  /// Submission to start, for requests that started.
  latency_histogram queue_wait;
  /// Start to end, the completion included, for requests that started.
  latency_histogram run_time;

  [[nodiscard]] std::uint64_t completed() const noexcept { return values + exceptions + cancelled + expired; }
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return refused_queue_full + refused_over_budget + refused_expired + refused_draining + refused_escapes +
           refused_other;
  }
};

}  // namespace mayfly
