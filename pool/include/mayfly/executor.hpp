#pragma once

#include <mayfly/admission.hpp>
#include <mayfly/detach.hpp>
#include <mayfly/detached.hpp>
#include <mayfly/detail/completions.hpp>
#include <mayfly/detail/detached_task.hpp>
#include <mayfly/detail/job.hpp>
#include <mayfly/detail/place.hpp>
#include <mayfly/detail/require_detached.hpp>
#include <mayfly/drain_report.hpp>
#include <mayfly/executor_account.hpp>
#include <mayfly/executor_options.hpp>
#include <mayfly/executor_stats.hpp>
#include <mayfly/outcome.hpp>
#include <mayfly/request_context.hpp>
#include <mayfly/route_stats.hpp>
#include <mayfly/run_result.hpp>
#include <mayfly/submit_options.hpp>
#include <mayfly/timer.hpp>
#include <mayfly/trusted.hpp>

#include <chrono>
#include <concepts>
#include <future>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mayfly {

class detached_coroutine;
class page_pool;
class scope_registry;

/// A callable that can be a request's handler: called once, with the request's context.
template <class Handler>
concept RequestHandler =
    std::constructible_from<std::decay_t<Handler>, Handler> && std::invocable<std::decay_t<Handler>&, request_context&>;

/// What a handler returns.
template <RequestHandler Handler>
using handler_result_t = std::invoke_result_t<std::decay_t<Handler>&, request_context&>;

/// A callable that can be the completion of a handler with that result.
template <class Completion, class Result>
concept RequestCompletion = std::constructible_from<std::decay_t<Completion>, Completion> &&
                            std::invocable<std::decay_t<Completion>&, outcome<Result> const&, request_context&>;

/// Runs requests on worker threads, as many as asked for, each request in a scope with an arena of its own.
///
///     submitting thread: admission -> scope opened -> job stored -> ring of its priority
///     worker:            pop -> handler -> completion (reads the answer in the arena) -> scope closed
///
/// Every accepted request gets exactly one completion, on a worker, inside its scope, whatever becomes of it; a refused
/// one gets none. Handlers may throw anything. A warm request allocates nothing on the heap, makes no system call but
/// to sleep and to wake, and takes no page fault, if handler and completion fit in 128 bytes together.
///
/// All functions but the destructor may be called from any thread at any time. In a forked child every submission is
/// refused (forked_child), drain() finds nothing to wait for, and the destructor leaves everything as it is. A handler
/// may fork for exec() or _exit(); a child that comes back from it, or from its completion, is ended (exit status 70).
class executor {
 public:
  /// Starts the workers, and returns when all of them run. Throws std::invalid_argument for nonsense in the options,
  /// std::system_error when a thread cannot be created, std::bad_alloc or allocation_error without memory for the
  /// tables; no thread is left then. If memory ran out while oneTBB counted the processors, at its first use in the
  /// process, no executor can be made any more: std::system_error (not_enough_memory), at once.
  explicit executor(executor_options const& options = {});

  /// Takes nothing more, lets every accepted request finish (and every hold and pin be released, on whatever thread),
  /// and joins the workers. Not from a worker, nor from a thread that keeps a hold or pin itself: it would wait for
  /// itself, as for a pin that lies in the memory it pins. Call drain() first to bound the time, and to be told.
  ~executor();

  executor(executor const&) = delete;
  executor& operator=(executor const&) = delete;

  /// Asks for one request to be run: handler(request_context&), then completion(outcome<R> const&, request_context&).
  /// Waits for nobody, but for a worker that is just taking the last place of a full ring. Both are moved or copied in;
  /// when that throws, it is thrown here and nothing was accepted.
  ///
  /// The completion reads its outcome in place: the handler's result may point into the request's memory. What a
  /// completion throws is counted, shown to the observer, and dropped.
  ///
  /// Called inside a scope, it looks at the bytes of both for addresses of that scope's memory, which may end before
  /// they run (MF-E11), and for the request itself: its context, scope, memory() or a bound function. Then
  /// executor_options::egress says what happens. So does submit(); run(), which waits, looks at the route alone, which
  /// the executor keeps.
  template <RequestHandler Handler, RequestCompletion<handler_result_t<Handler>> Completion>
  [[nodiscard]] admission try_submit(submit_options const& options, Handler&& handler, Completion&& completion) {
    return detail::place<detail::closure_check>(*core_, options, std::forward<Handler>(handler),
                                                std::forward<Completion>(completion));
  }

  /// Asks for one request to be run, and gives its result to whoever waits. The future holds refused_error when it was
  /// not accepted, request_cancelled, request_expired, or what the handler threw; and escape_refused in place of a
  /// closure, a result or an exception that holds an address of memory which it is about to outlive (MF-E11 to MF-E13).
  /// Allocates the future's state.
  template <RequestHandler Handler>
  [[nodiscard]] std::future<handler_result_t<Handler>> submit(submit_options const& options, Handler&& handler) {
    using result = handler_result_t<Handler>;
    detail::require_detached<escape_rule::handler_result, result>();
    detail::future_completion<result> completion;
    std::future<result> future = completion.promise.get_future();
    static_cast<void>(
        detail::place<detail::closure_check>(*core_, options, std::forward<Handler>(handler), std::move(completion)));
    return future;
  }
  template <RequestHandler Handler>
  [[nodiscard]] std::future<handler_result_t<Handler>> submit(std::string_view route, Handler&& handler) {
    return submit(submit_options{.route = route}, std::forward<Handler>(handler));
  }

  /// Runs one request and waits for it. With a deadline it comes back then if the handler has not begun; a handler
  /// that runs is cancelled by its deadline but waited for, so that it may safely refer to the caller's variables. One
  /// that has not begun never will, but is destroyed later, on a worker: what it captured by value must allow that.
  /// On a worker of this executor it is refused (on_worker): it would wait for itself. It comes back when the result is
  /// there, just before the request's slot is free: where max_in_flight is as small as the number of callers, the next
  /// call may be refused (queue_full).
  template <RequestHandler Handler>
  [[nodiscard]] run_result<handler_result_t<Handler>> run(submit_options options, Handler&& handler) {
    using result = handler_result_t<Handler>;
    detail::require_detached<escape_rule::handler_result, result>();
    if (on_worker()) return run_result<result>(refuse_on_worker(options));
    fix_deadline(options);
    auto const state = std::make_shared<detail::blocking_state<result>>();
    admission const admitted = detail::place<detail::route_check<escape_rule::closure_sent>>(
        *core_, options, detail::blocking_handler<result, std::decay_t<Handler>>{state, std::forward<Handler>(handler)},
        detail::blocking_completion<result>{state});
    if (!admitted) return run_result<result>(admitted.reason());
    if (auto done = state->wait(options.deadline_at)) return *std::move(done);
    request_cancel(admitted.id());  // its place in the queue is all that is left of it
    return run_result<result>(outcome_kind::expired);
  }

  /// Runs fn(request_context&, args...) as a request that nobody waits for: a detached task. fn captures nothing
  /// (MF-E03); what it needs are its arguments, of detached types (MF-E04), which are moved or copied in and handed
  /// over as rvalues. Inside a scope their addresses are looked at too (MF-E14). What it returns or throws is dropped,
  /// and counted.
  template <class Fn, class... Args>
  [[nodiscard]] admission spawn(submit_options const& options, Fn&& fn, Args&&... args) {
    return detail::spawn(*core_, options, std::forward<Fn>(fn), std::forward<Args>(args)...);
  }

  /// The same after `delay`, not before: a deadline in the options counts from then. A timer that was set ends in
  /// exactly one way: fired (the task is an accepted request), cancelled, or dropped, when draining begins or the task
  /// is refused at its time; executor_stats counts each. Takes the heap and a lock; the first timer starts a thread,
  /// and throws std::system_error where there is none. The destructors of its arguments may run on that thread, and
  /// while the executor drains: they must not call drain().
  template <class Fn, class... Args>
  [[nodiscard]] timer_admission spawn_after(std::chrono::nanoseconds delay, submit_options const& options, Fn&& fn,
                                            Args&&... args) {
    return detail::spawn_after(*core_, delay, options, std::forward<Fn>(fn), std::forward<Args>(args)...);
  }

  /// Begins a coroutine that nobody waits for (detached_coroutine.hpp); refused, it is destroyed.
  [[nodiscard]] admission spawn(submit_options const& options, detached_coroutine work);

  /// Keeps a timer from firing. False: it has fired, was dropped or cancelled, or is firing now.
  bool cancel_timer(timer_id timer) noexcept;

  /// Asks a request to stop: one that waits is not begun, one that runs sees it in its stop token. Its completion says
  /// cancelled either way. False when it has ended, or never was.
  bool request_cancel(scope_id id) noexcept;

  /// Takes nothing more, drops timers that have not fired, lets what was accepted finish for `soft`, then cancels all
  /// of it and waits for `hard`. Requests that still run are left running: the report names them. May be called again.
  /// Throws std::logic_error on a worker.
  drain_report drain(std::chrono::nanoseconds soft, std::chrono::nanoseconds hard);

  /// Moves the page budget while requests run; 0: no limit. Nobody waits: requests in flight keep what they hold, and
  /// while that is more than the new budget further ones are refused (over_budget). Idle memory above it goes back to
  /// the system at once, on the calling thread (page_pool::set_max_bytes()). Of a pool that executors share it is the
  /// budget of them all. Throws std::invalid_argument where not even one page would fit.
  void set_page_budget(std::size_t bytes);

  /// Changes the number of workers while requests run: 1 to executor_options::max_workers. No request waits for it, and
  /// it waits for none. More: returns when they run; one that was to end and has not yet stays. Fewer: returns at once;
  /// whichever workers come by first end, each between two requests (stats().leaving: how many have not yet), so a
  /// long handler keeps its thread and an idle worker goes. What a thread's end gives up (its magazines of pages, its
  /// effects) goes then. Figures and what is known of routes stay.
  ///
  /// Any thread, a handler too: one change at a time, later callers wait for earlier ones. Not from a function of
  /// executor_options::effects that begins or ends a worker: it would wait for itself. After the destructor has begun
  /// (a handler may still run) it does nothing. Throws std::invalid_argument outside the range, std::system_error or
  /// std::bad_alloc when a thread cannot be made, what spawn_for_worker() throws, std::logic_error in a forked child;
  /// then as many workers are wanted as before, and every one that ran runs.
  void set_workers(std::size_t count);

  /// What has happened so far. Walks all workers' figures: for people, not for loops.
  [[nodiscard]] executor_stats stats() const;

  /// What requests of each route took lately, by name; empty where executor_options::adaptive_first_page is off. Walks
  /// what every worker knows: for people, not for loops.
  [[nodiscard]] std::vector<route_stats> routes() const;

  /// Where every byte of its pages is, and whose: page_pool::account() with routes. For people, not for loops; no
  /// request waits for it. Throws std::bad_alloc.
  [[nodiscard]] executor_account account() const;

  /// Whether the calling thread is one of this executor's workers.
  [[nodiscard]] bool on_worker() const noexcept;

  /// How many are wanted: by the options, or by set_workers().
  [[nodiscard]] std::size_t workers() const noexcept;
  /// The options, every choice made.
  [[nodiscard]] executor_options const& options() const noexcept;
  /// The scopes of the requests in flight.
  [[nodiscard]] scope_registry& registry() noexcept;
  [[nodiscard]] page_pool& pages() noexcept;

 private:
  friend class resume_on;
  friend class resume_after;

  admission_reason refuse_on_worker(submit_options const& options) noexcept;
  static void fix_deadline(submit_options& options) noexcept;

  std::unique_ptr<detail::executor_core> core_;
};

}  // namespace mayfly
