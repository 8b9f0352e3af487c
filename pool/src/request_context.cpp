#include "executor_core.hpp"
#include "fork_guard.hpp"
#include "nested.hpp"
#include <mayfly/detail/completions.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/observer.hpp>
#include <mayfly/request_context.hpp>

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_group.h>

#include <algorithm>

namespace mayfly {

std::optional<std::chrono::steady_clock::time_point> request_context::deadline() const noexcept {
  if (record_.deadline == 0) return std::nullopt;
  return scope_.deadline();
}

std::chrono::nanoseconds request_context::remaining() const noexcept {
  using std::chrono::nanoseconds;
  if (record_.deadline == 0) return nanoseconds::max();
  // By the clock that decides, which differs from steady_clock by microseconds: what has no time left has expired.
  detail::cycle_clock const& clock = core_.clock();
  return nanoseconds{static_cast<nanoseconds::rep>(clock.to_ns(record_.deadline - clock.now()))};
}

void request_context::throw_if_stopped() const {
  if (stop_requested()) throw request_cancelled{};
  if (core_.past(record_.deadline)) throw request_expired{};
}

namespace {

/// Runs one of oneTBB's pieces in slices of some 10 to 20 us, and asks before each whether the request should stop:
/// that is how late a cancellation or a deadline is heard, and asking costs 10 ns. False: it should.
bool run_in_slices(detail::range_body body, std::size_t from, std::size_t to, detail::stop_watch& watch,
                   detail::cycle_clock const& clock, detail::cycle_clock::ticks enough) {
  detail::cycle_clock::ticks before = clock.now();
  for (std::size_t slice = 1; from != to;) {
    if (watch.stops_at(before)) return false;
    std::size_t const end = from + std::min(slice, to - from);
    body.run(body.fn, from, end);
    from = end;
    detail::cycle_clock::ticks const now = clock.now();
    if (now - before < enough) slice *= 2;
    before = now;
  }
  return true;
}

}  // namespace

/// oneTBB's parallel_for in an isolated context of its own: what a piece throws, and a cancellation, stop this loop and
/// nothing else. One that is cut short from outside would come back as if it had run to its end; a request that should
/// stop is noticed by each loop itself. The handler's isolation (work.cpp) keeps foreign pieces out while it waits.
void request_context::run_range(std::size_t first, std::size_t last, std::size_t grain, detail::range_body body) {
  if (first >= last) return;
  std::size_t const pieces = (last - first - 1) / grain + 1;
  detail::nested_region const region(core_.help(), pieces - 1);
  detail::stop_watch watch(*this);
  detail::cycle_clock::ticks const enough = core_.clock().to_ticks(std::chrono::microseconds{10});
  tbb::task_group_context algorithm{tbb::task_group_context::isolated};
  tbb::parallel_for(
      tbb::blocked_range<std::size_t>(first, last, grain),
      [&](tbb::blocked_range<std::size_t> const& piece) {
        detail::nested_entry const here(scope_);
        bool const done = run_in_slices(body, piece.begin(), piece.end(), watch, core_.clock(), enough);
        if (!done) algorithm.cancel_group_execution();
      },
      tbb::auto_partitioner{}, algorithm);
  watch.throw_if_cut();
}

request_context::helpers_awake::helpers_awake(request_context& context) noexcept : context_(context) {
  context_.core_.help().begin_region(context_.core_.workers() - 1);
}

request_context::helpers_awake::~helpers_awake() { context_.core_.help().end_region(); }

namespace detail {

outcome_kind job_hooks::verdict_at_end(request_context& context) noexcept {
  if (context.core_.in_forked_child()) [[unlikely]]
    fork_guard::end_child();
  return stop_watch(context).verdict();
}

void job_hooks::completing(request_context& context) noexcept { context.scope_.set_phase(scope_phase::completing); }

void job_hooks::completion_failed(request_context& context, std::exception_ptr const& error) noexcept {
  this_worker()->figures.completion_failures.add();
  executor_observer* const observer = context.core_.options().observer;
  if (observer == nullptr) return;
  bool const as_it_is = MAYFLY_MUTANT("observer-gets-it-unseen");
  observer->on_completion_failure(context.id(), context.route(), as_it_is ? error : outgoing_error(context, error));
}

}  // namespace detail
}  // namespace mayfly
