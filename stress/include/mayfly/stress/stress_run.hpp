#pragma once

#include <mayfly/drain_report.hpp>
#include <mayfly/executor_stats.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/perturbation.hpp>
#include <mayfly/stress/stress_options.hpp>
#include <mayfly/stress/world.hpp>
#include <mayfly/trace/recorder.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mayfly::stress {

/// What a run came to, beside what is in its world.
struct run_result {
  std::unique_ptr<world> of;
  std::uint64_t numbers = 0;  ///< requests 0 to numbers-1 were begun
  bool stopped = false;       ///< before its time, by `stop`
  std::chrono::nanoseconds elapsed{};
  executor_stats requests;
  page_pool_stats pages;   ///< when everything had ended
  memory_account account;  ///< then, too
  std::size_t timers_dropped = 0;
  std::optional<trace::recording_report> recording;  ///< nothing: nobody recorded
  perturbation_counts points;                        ///< steps of lock-free algorithms that threads passed
};

/// What is around a run.
struct run_surroundings {
  std::atomic<bool> const* stop = nullptr;
  /// Called with the world when the run begins, before its first request. What it gives lives until the executor has
  /// ended; its registry can be looked at as long as that waits for anything.
  std::function<std::shared_ptr<void>(world&)> watch;
  /// The same, but what it gives lives until the last request has ended.
  std::function<std::shared_ptr<void>(world&)> show;
  /// Called around the making of threads; may be empty.
  std::function<void(std::function<void()> const&)> around_threads;
};

/// Submits, waits for the end of everything, and checks what must hold then. Options must be complete().
[[nodiscard]] run_result run(stress_options const& options, std::vector<plugin::named_handler> handlers,
                             run_surroundings const& surroundings);

/// Of a pool that nobody uses: each page ever made is idle, once, and what is committed is what is idle.
void check_conserved(page_pool_stats const& pages, violation_log& into);

/// The same, looked for: each page and block lies in one of the places for idle ones, and all of the reservation is
/// somewhere.
void check_account(memory_account const& account, page_pool_stats const& pages, violation_log& into);

}  // namespace mayfly::stress
