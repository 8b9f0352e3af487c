#pragma once

#include "native_thread.hpp"
#include <mayfly/detail/cycle_clock.hpp>
#include <mayfly/detail/own_counter.hpp>
#include <mayfly/detail/route_profiles.hpp>
#include <mayfly/effect_handler.hpp>
#include <mayfly/latency_histogram.hpp>
#include <mayfly/outcome.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <latch>
#include <memory>
#include <optional>
#include <utility>

namespace mayfly::detail {

class executor_core;

/// What one worker counts; written by it alone.
struct alignas(64) worker_figures {
  std::array<own_counter, 4> ended;  ///< by outcome_kind
  own_counter completion_failures;
  own_counter wakeups;
  own_counter helped_regions;
  own_counter helped_chunks;
  latency_recorder queue_wait;
  latency_recorder run_time;
};

/// One worker thread's own things. Everything but the figures is used by that thread only; when it has ended and
/// another is started in its place (worker_table.hpp), by that one.
struct worker {
  worker(executor_core& owner, std::size_t number, route_profiles known) noexcept
      : core(owner), index(number), routes(std::move(known)) {}

  /// Before a thread is started for it; none runs.
  void begin() noexcept {
    started.emplace(1);
    start_failure = nullptr;
    owes_request = false;
    leaves_search = false;
    last_now = 0;
  }

  executor_core& core;
  std::size_t index;
  native_thread thread;
  std::optional<std::latch> started;  ///< counted down when the worker runs, or cannot; one for each start
  std::exception_ptr start_failure;   ///< published by `started`

  std::unique_ptr<effect_handler> effects;
  std::uint32_t turn = 0;           ///< counts requests, for the fair order of priorities
  bool owes_request = false;        ///< has helped: takes a request before it helps again
  bool leaves_search = false;       ///< wakers may have relied on its search: see worker_gate::end_search
  cycle_clock::ticks last_now = 0;  ///< end of the request before, if that was just now

  route_profiles routes;  ///< read by others too
  worker_figures figures;
};

/// The worker that the calling thread is; null on any other thread.
worker* this_worker() noexcept;

}  // namespace mayfly::detail
