#include "executor_core.hpp"

#include "options.hpp"
#include <mayfly/schedule_point.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <thread>

namespace mayfly::detail {
namespace {

page_pool& make_pages(std::optional<page_pool>& own, executor_options const& options) {
  if (options.pages != nullptr) return *options.pages;
  page_pool_options wanted = options.page_options;
  if (options.page_budget_bytes != 0) wanted.max_bytes = std::min(wanted.max_bytes, options.page_budget_bytes);
  if (options.common_budget != nullptr) wanted.common_budget = options.common_budget;
  return own.emplace(wanted);
}

scope_registry_options registry_options(executor_options const& options) noexcept {
  return {.capacity = static_cast<std::uint32_t>(options.max_in_flight),
          .first_generation = options.first_generation,
          .guard = options.guard,
          .audit = options.audit};
}

}  // namespace

executor_core::executor_core(executor_options const& asked)
    : options_(resolve(asked)),
      clock_(cycle_clock::instance()),
      idle_spin_ticks_(clock_.to_ticks(options_.idle_spin)),
      fork_depth_((fork_guard::watch(), fork_guard::depth())),
      pages_(&make_pages(own_pages_, options_)),
      first_page_costs_(*pages_),
      registry_(*pages_, registry_options(options_)),
      records_(options_.max_in_flight),
      help_(std::make_unique<nested_help>(gate_, surplus_, options_.max_workers)),
      // Every slot is reserved for threads of ours and none is left for oneTBB's: see the README, "Whose threads".
      arena_(std::make_unique<tbb::task_arena>(static_cast<int>(options_.max_workers),
                                               static_cast<unsigned>(options_.max_workers))),
      workers_(options_.max_workers),
      timers_(*this, options_.name, options_.max_timers),
      trimmer_(*pages_, memory_pressure{}) {
  if (!records_) {
    throw allocation_error{refusal::system, 0, 0, options_.max_in_flight * sizeof(request_record), errno};
  }
  for (auto& ring : rings_) ring = std::make_unique<index_ring>(options_.max_queued);
  help_->set_work_waits([](void const* core) noexcept { return static_cast<executor_core const*>(core)->work_waits(); },
                        this);
  start_workers();
}

executor_core::~executor_core() {
  timers_.close();
  trimmer_.stop();
  close_rings();
  stop_workers();
  while (!registry_.idle()) std::this_thread::sleep_for(std::chrono::milliseconds{1});  // held and pinned ones
  // A pool that others share goes on without what we guarded.
  if (options_.guard.one_in != 0) pages_->release_quarantine();
}

/// Workers end when nothing waits any more; close_rings() comes first.
void executor_core::stop_workers() noexcept {
  {
    // A handler may be changing the number of workers: what it starts is joined below, and it starts no more.
    std::scoped_lock const none_resizes(resize_mutex_);
    stopping_.store(true, std::memory_order_seq_cst);  // sync gate: published before the parked are woken
  }
  MAYFLY_SCHEDULE_POINT("executor.stop.told");
  gate_.wake(static_cast<std::uint32_t>(options_.max_workers));
  workers_.for_each([](worker& one) { one.thread.join(); });
  help_->stop();
}

void executor_core::close_rings() noexcept {
  for (auto& ring : rings_) ring->close();
}

executor_stats executor_core::stats() const {
  executor_stats sum;
  auto const refused = [&](admission_reason reason) {
    return refused_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);  // relaxed: figures
  };
  for (auto const& ring : rings_) {
    sum.accepted += ring->pushed();
    sum.queued += ring->size();
  }
  sum.refused_queue_full = refused(admission_reason::queue_full);
  sum.refused_over_budget = refused(admission_reason::over_budget);
  sum.refused_expired = refused(admission_reason::expired);
  sum.refused_draining = refused(admission_reason::draining);
  sum.refused_escapes = refused(admission_reason::escapes);
  sum.refused_other = refused(admission_reason::forked_child) + refused(admission_reason::on_worker);
  workers_.for_each([&](worker const& one) {
    worker_figures const& of = one.figures;
    sum.values += of.ended[static_cast<std::size_t>(outcome_kind::value)].get();
    sum.exceptions += of.ended[static_cast<std::size_t>(outcome_kind::exception)].get();
    sum.cancelled += of.ended[static_cast<std::size_t>(outcome_kind::cancelled)].get();
    sum.expired += of.ended[static_cast<std::size_t>(outcome_kind::expired)].get();
    sum.completion_failures += of.completion_failures.get();
    sum.wakeups += of.wakeups.get();
    sum.helped_regions += of.helped_regions.get();
    sum.helped_chunks += of.helped_chunks.get();
    of.queue_wait.add_to_histogram(sum.queue_wait);
    of.run_time.add_to_histogram(sum.run_time);
  });
  // In a forked child the timers' lock may be held by a thread that does not exist there.
  timer_figures const timed = in_forked_child() ? timer_figures{} : timers_.figures();
  sum.timers_set = timed.set;
  sum.timers_fired = timed.fired;
  sum.timers_cancelled = timed.cancelled;
  sum.timers_dropped = timed.dropped;
  sum.timers_waiting = timed.waiting;
  sum.trimmed_bytes = trimmer_.returned_bytes();
  sum.pressure_trims = trimmer_.pressure_trims();
  sum.workers = workers();
  sum.leaving = surplus_.count();
  sum.in_flight = registry_.live();
  sum.parked = gate_.parked();
  return sum;
}

std::vector<route_stats> executor_core::routes() const {
  std::vector<route_sums> sums;
  workers_.for_each([&](worker const& one) { one.routes.add_to_stats(sums); });
  std::vector<route_stats> lines;
  lines.reserve(sums.size());
  for (route_sums const& of : sums) {
    lines.push_back({.route = std::string{of.route},
                     .requests = of.requests,
                     .without_memory = of.all.zeros,
                     .p50_bytes = of.all.quantile(0.50),
                     .p95_bytes = of.all.quantile(0.95),
                     .p99_bytes = of.all.quantile(0.99),
                     .first_page_bytes = pages_->class_bytes(of.first_class),
                     .first_pages = {}});
    for (std::size_t c = 0; c < page_pool::classes; ++c) {
      lines.back().first_pages[c] = first_page_costs::worth_of(*pages_, c, of.bumped);
    }
  }
  std::sort(lines.begin(), lines.end(), [](auto const& left, auto const& right) { return left.route < right.route; });
  return lines;
}

}  // namespace mayfly::detail
