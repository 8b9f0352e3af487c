#pragma once

#include <mayfly/detail/detached_task.hpp>
#include <mayfly/detail/egress_check.hpp>
#include <mayfly/detail/marked_scope.hpp>
#include <mayfly/detail/require_detached.hpp>
#include <mayfly/lifetimebound.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/task_group.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mayfly {

namespace detail {
class executor_core;
struct context_access;
struct job_hooks;
class nested_scope;
struct request_record;

/// A loop body with its type erased: runs fn for [first, last).
struct range_body {
  void (*run)(void const* fn, std::size_t first, std::size_t last);
  void const* fn;
};
}  // namespace detail

template <class Fn>
class bound_function;

/// A request as its handler and its completion see it. Lives on the worker's stack while they run; nested work may use
/// it too, from any thread, as it is joined before. Not copied, moved or kept.
class request_context {
 public:
  request_context(request_context const&) = delete;
  request_context& operator=(request_context const&) = delete;
  ~request_context() { scope_.set_context(nullptr); }
  void* operator new(std::size_t) = delete;
  void* operator new[](std::size_t) = delete;

  /// The request's memory, in the calling thread's lane: all that is allocated here goes when the request ends.
  [[nodiscard]] mayfly::arena& arena() MAYFLY_LIFETIMEBOUND { return scope_.arena(); }
  /// The same for standard containers; takes the lane of whichever thread allocates.
  [[nodiscard]] std::pmr::memory_resource* memory() noexcept MAYFLY_LIFETIMEBOUND { return scope_.memory(); }
  /// The request's scope.
  [[nodiscard]] mayfly::scope& scope() noexcept MAYFLY_LIFETIMEBOUND { return scope_; }

  [[nodiscard]] scope_id id() const noexcept { return scope_.id(); }
  [[nodiscard]] std::string_view route() const noexcept { return scope_.route(); }

  /// When it must have ended; none: no deadline.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline() const noexcept;
  /// How long is left: zero when the deadline has passed, the longest duration when there is none. Reads the clock.
  [[nodiscard]] std::chrono::nanoseconds remaining() const noexcept;

  /// Whether somebody cancelled this request. One load (and one for each scope around a nested one): ask often in long
  /// loops.
  [[nodiscard]] bool stop_requested() const noexcept {
    return scope_.stop_requested() || (outer_ != nullptr && outer_->stop_requested());
  }
  /// The same as a value that may be kept and asked from anywhere, also after the request has ended. In a nested scope
  /// it speaks of the request.
  [[nodiscard]] mayfly::stop_token stop_token() const noexcept {
    return outer_ == nullptr ? scope_.token() : outer_->stop_token();
  }
  /// Throws request_cancelled or request_expired when the request should end. Reads the clock if there is a deadline.
  void throw_if_stopped() const;

  /// Keeps the scope, with all its memory, after the completion, until the hold is released, on any thread.
  [[nodiscard]] scope_hold hold() { return scope_.hold(); }

  /// fn(i) for each i in [first, last), on this thread and on idle workers, in pieces of about `grain` (never below
  /// half of it). Blocks until all are done; while it waits it runs only this request's work. Each piece runs in this
  /// request's scope, in its own thread's lane. What an fn throws stops the others and is thrown here, once the calls
  /// that have begun are done with all they started themselves; so are request_cancelled and request_expired when the
  /// request was cancelled or its deadline passed before all pieces had begun.
  template <class Fn>
    requires std::invocable<Fn const&, std::size_t>
  void parallel_for(std::size_t first, std::size_t last, Fn const& fn, std::size_t grain = 1) {
    run_range(first, last, grain == 0 ? 1 : grain,
              {[](void const* body, std::size_t from, std::size_t to) {
                 auto const& each = *static_cast<Fn const*>(body);
                 for (std::size_t i = from; i != to; ++i) each(i);
               },
               std::addressof(fn)});
  }

  /// executor::spawn() on the executor that runs this request: a task that this request does not wait for.
  template <class Fn, class... Args>
  [[nodiscard]] admission spawn(submit_options const& options, Fn&& fn, Args&&... args) {
    return detail::spawn(core_, options, std::forward<Fn>(fn), std::forward<Args>(args)...);
  }
  /// executor::spawn_after(), the same.
  template <class Fn, class... Args>
  [[nodiscard]] timer_admission spawn_after(std::chrono::nanoseconds delay, submit_options const& options, Fn&& fn,
                                            Args&&... args) {
    return detail::spawn_after(core_, delay, options, std::forward<Fn>(fn), std::forward<Args>(args)...);
  }

  /// Runs fn() while idle workers help with any oneTBB work it starts itself. Bodies of such work run in no scope
  /// when they run on another thread; bind() what needs one.
  template <class Fn>
    requires std::invocable<Fn&>
  decltype(auto) with_helpers(Fn&& fn) {
    helpers_awake const awake(*this);
    return std::forward<Fn>(fn)();
  }

  /// Runs fn(request_context&) in a scope of its own inside this one, on this thread, and gives what it returns: what
  /// it allocated goes when it is done, not only when the request is. It may use what lies in the scope around it. Its
  /// result is detached (MF-E05) and holds no address of the nested scope's memory, nor does what it throws (MF-E16,
  /// MF-E13; the executor's options say what happens then: escape_refused is thrown). It has the request's deadline, is
  /// cancelled with it, and may take what is left of its memory: nested scopes that are open at once may each. Throws
  /// refused_error (queue_full) where max_in_flight scopes are open. Costs some 50 ns.
  template <class Fn>
    requires std::invocable<Fn&, request_context&>
  std::invoke_result_t<Fn&, request_context&> nested(Fn&& fn);

  /// A copy of fn that runs in this request's scope on whichever thread calls it, while the request lives. Called when
  /// that has ended, it is reported as MF-E23 and throws scope_gone; the caller sees to it that the request does not
  /// end during a call.
  template <class Fn>
  [[nodiscard]] bound_function<std::decay_t<Fn>> bind(Fn&& fn) {
    return {scope_, std::forward<Fn>(fn)};
  }

 private:
  friend struct detail::context_access;
  friend struct detail::job_hooks;
  friend class detail::nested_scope;
  friend class task_group;

  class helpers_awake {
   public:
    explicit helpers_awake(request_context& context) noexcept;
    ~helpers_awake();
    helpers_awake(helpers_awake const&) = delete;
    helpers_awake& operator=(helpers_awake const&) = delete;

   private:
    request_context& context_;
  };

  request_context(detail::executor_core& core, detail::request_record& record, mayfly::scope& scope, std::size_t worker,
                  request_context const* outer = nullptr) noexcept
      : core_(core), record_(record), scope_(scope), worker_(worker), outer_(outer) {
    scope_.set_context(this);
  }

  void run_range(std::size_t first, std::size_t last, std::size_t grain, detail::range_body body);

  detail::executor_core& core_;
  detail::request_record& record_;
  mayfly::scope& scope_;
  std::size_t worker_;
  request_context const* outer_;  // of the scope around a nested one
};

namespace detail {

/// A scope opened inside a request's, with a context for it; closed at the end.
class nested_scope {
 public:
  /// Throws refused_error.
  explicit nested_scope(request_context& outer);
  ~nested_scope() = default;
  nested_scope(nested_scope const&) = delete;
  nested_scope& operator=(nested_scope const&) = delete;

  [[nodiscard]] request_context& context() noexcept { return context_; }

  /// Throws escape_refused where a result may not leave.
  template <class Result>
  void look_at(Result const& result) const {
    auto const found = find_escape(escape_rule::nested_result_sent, result, opened_.in, egress_reach::itself);
    if (found) refuse(*found);
  }
  /// In a handler of what has been thrown: throws it on, or escape_refused in its place.
  [[noreturn]] void rethrow() const;

 private:
  void refuse(escape_report const& found) const;

  struct open_scope {
    mayfly::scope& in;
    ~open_scope() { in.close(); }
  };

  // In this order: the entry ends before the context, and the scope last.
  open_scope opened_;
  request_context context_;
  scope_entry entered_;
};

}  // namespace detail

template <class Fn>
  requires std::invocable<Fn&, request_context&>
std::invoke_result_t<Fn&, request_context&> request_context::nested(Fn&& fn) {
  using result = std::invoke_result_t<Fn&, request_context&>;
  detail::require_detached<escape_rule::nested_result, result>();
  detail::nested_scope inner(*this);
  if constexpr (std::is_void_v<result>) {
    try {
      std::invoke(fn, inner.context());
    } catch (...) {
      inner.rethrow();
    }
  } else {
    auto const call = [&]() -> result {
      try {
        return std::invoke(fn, inner.context());
      } catch (...) {
        inner.rethrow();
      }
    };
    result value = call();
    inner.look_at(value);
    return value;
  }
}

/// What request_context::bind() gives.
template <class Fn>
class bound_function {
 public:
  /// Inside `target`, which keeps its slot: a later tenant is not entered.
  bound_function(scope& target, Fn fn) : scope_(target), tenant_(target.id()), fn_(std::move(fn)) {}

  template <class... Args>
    requires std::invocable<Fn const&, Args...>
  decltype(auto) operator()(Args&&... args) const {
    scope_entry const here(scope_.known(), tenant_);
    return std::invoke(fn_, std::forward<Args>(args)...);
  }

 private:
  detail::marked_scope<detail::scope_mark::enters> scope_;  // a scope for ever (S12), if not this tenant
  scope_id tenant_;
  Fn fn_;
};

}  // namespace mayfly
