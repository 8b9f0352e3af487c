#pragma once

#include "fork_guard.hpp"
#include "nested_help.hpp"
#include "timers.hpp"
#include "trimmer.hpp"
#include "worker.hpp"
#include "worker_table.hpp"
#include <mayfly/detail/cycle_clock.hpp>
#include <mayfly/detail/index_ring.hpp>
#include <mayfly/detail/mapping.hpp>
#include <mayfly/detail/request_record.hpp>
#include <mayfly/detail/route_profiles.hpp>
#include <mayfly/detail/worker_gate.hpp>
#include <mayfly/detail/worker_surplus.hpp>
#include <mayfly/drain_report.hpp>
#include <mayfly/executor_account.hpp>
#include <mayfly/executor_options.hpp>
#include <mayfly/executor_stats.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/request_context.hpp>
#include <mayfly/route_stats.hpp>
#include <mayfly/scope_registry.hpp>
#include <mayfly/submit_options.hpp>

#include <tbb/task_arena.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace mayfly::detail {

/// Lets the executor's compiled part make and read contexts.
struct context_access {
  static request_context make(executor_core& core, request_record& record, scope& of, std::size_t worker) noexcept {
    return request_context{core, record, of, worker};
  }
  static executor_core& core(request_context& context) noexcept { return context.core_; }
  static request_record& record(request_context& context) noexcept { return context.record_; }
  static scope& scope_of(request_context& context) noexcept { return context.scope_; }
};

/// The executor without its templates.
///
///     submit.cpp    begin, commit: the submitting thread's half
///     work.cpp      the workers' loop and one request's run
///     drain.cpp     drain and its report
///     resize.cpp    how many workers there are
///     executor_core.cpp  start, stop, figures
class executor_core {
 public:
  explicit executor_core(executor_options const& asked);
  ~executor_core();
  executor_core(executor_core const&) = delete;
  executor_core& operator=(executor_core const&) = delete;

  // submit.cpp; any thread
  submission begin(submit_options const& options, std::size_t job_bytes, std::size_t job_alignment);
  admission commit(submission& taken, job_functions const* functions, submit_options const& options) noexcept;
  void abandon(submission& taken) noexcept;
  admission_reason refuse(submit_options const& options, admission_reason reason) noexcept;

  // drain.cpp
  drain_report drain(std::chrono::nanoseconds soft, std::chrono::nanoseconds hard);

  // resize.cpp
  void set_workers(std::size_t count);
  [[nodiscard]] std::size_t workers() const noexcept {
    return wanted_.load(std::memory_order_relaxed);  // relaxed: a figure
  }

  // executor_core.cpp
  [[nodiscard]] executor_stats stats() const;
  [[nodiscard]] std::vector<route_stats> routes() const;
  // executor_account.cpp
  [[nodiscard]] executor_account account() const;
  [[nodiscard]] bool in_forked_child() const noexcept { return fork_guard::depth() != fork_depth_; }
  [[nodiscard]] executor_options const& options() const noexcept { return options_; }
  [[nodiscard]] scope_registry& registry() noexcept { return registry_; }
  [[nodiscard]] page_pool& pages() noexcept { return *pages_; }
  [[nodiscard]] nested_help& help() noexcept { return *help_; }
  [[nodiscard]] timers& waiting_timers() noexcept { return timers_; }
  [[nodiscard]] cycle_clock const& clock() const noexcept { return clock_; }
  [[nodiscard]] bool past(cycle_clock::ticks deadline) const noexcept {
    return deadline != 0 && clock_.now() > deadline;
  }

  /// Whether requests wait. Part of the gate's argument: seq_cst loads.
  [[nodiscard]] bool work_waits() const noexcept {
    for (auto const& ring : rings_) {
      if (!ring->empty()) return true;
    }
    return false;
  }

 private:
  // resize.cpp
  void start_workers();
  void start_worker(worker& idle);
  void hire(std::size_t missing);
  void dismiss(std::size_t count) noexcept;
  void want(std::size_t count) noexcept;
  void let_go(std::size_t count) noexcept;
  [[nodiscard]] bool leaves(worker& me) noexcept;

  // executor_core.cpp
  void stop_workers() noexcept;
  void close_rings() noexcept;

  // submit.cpp
  [[nodiscard]] std::size_t predicted_bytes(submit_options const& options, std::size_t most) const noexcept;
  void unpromise(std::size_t bytes) noexcept {
    if (bytes != 0) promised_.refund(bytes);
  }
  void announce() noexcept;

  // work.cpp
  static void* worker_main(void* self) noexcept;
  void work(worker& me) noexcept;
  [[nodiscard]] bool take(worker& me, std::uint32_t& slot) noexcept;
  void idle(worker& me) noexcept;
  void help_out(worker& me) noexcept;
  void run_request(worker& me, std::uint32_t slot) noexcept;
  void learn(worker& me, route_profile& of, scope& ended, cycle_clock::ticks now) noexcept;
  [[nodiscard]] outcome_kind run_in_scope(worker& me, request_record& record, scope& in,
                                          start_verdict verdict) noexcept;
  [[nodiscard]] bool should_wake() const noexcept {
    return work_waits() || help_->wanted() || surplus_.any() || stopping();
  }
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_seq_cst); }

  // drain.cpp
  [[nodiscard]] bool wait_until_idle(std::chrono::steady_clock::time_point until) const;
  [[nodiscard]] std::vector<straggler> list_unfinished() const;

  executor_options options_;
  cycle_clock const& clock_;
  cycle_clock::ticks idle_spin_ticks_;
  std::uint32_t fork_depth_;
  std::optional<page_pool> own_pages_;  // none when the options bring one
  page_pool* pages_;
  first_page_costs first_page_costs_;
  route_forecasts forecasts_;  // only where something limits pages
  scope_registry registry_;
  mapped_array<request_record> records_;  // by slot_index()
  std::array<std::unique_ptr<index_ring>, priority_count> rings_;
  worker_gate gate_;
  worker_surplus surplus_;
  std::unique_ptr<nested_help> help_;
  std::unique_ptr<tbb::task_arena> arena_;
  worker_table workers_;
  timers timers_;
  trimmer trimmer_;
  std::mutex drain_mutex_;              // one drain at a time
  std::mutex resize_mutex_;             // one change of the number of workers at a time, and none once stopping_ is set
  std::atomic<std::size_t> wanted_{0};  // written under resize_mutex_

  alignas(64) byte_budget promised_;                  // each request's prediction; the pool has the limit
  alignas(64) std::atomic<int> waker_processor_{-1};  // where a thread last woke a worker, by that thread
  alignas(64) std::atomic<bool> stopping_{false};     // written once, at the end
  alignas(64) std::array<std::atomic<std::uint64_t>, 8> refused_{};  // by admission_reason, by refused submitters only
};

}  // namespace mayfly::detail
