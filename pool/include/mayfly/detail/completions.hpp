#pragma once

#include <mayfly/detail/egress_check.hpp>
#include <mayfly/escape_refused.hpp>
#include <mayfly/outcome.hpp>
#include <mayfly/request_errors.hpp>
#include <mayfly/run_result.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace mayfly {

class request_context;

namespace detail {

// The egress checks at a request's end (egress.cpp).

/// Reports, and does what the executor's options say: what the future is to hold in place of the value, or null where
/// the value may go.
[[nodiscard]] std::exception_ptr replacement(request_context& context, escape_report const& report) noexcept;
/// `error`, or what the future is to hold in its place (MF-E13).
[[nodiscard]] std::exception_ptr outgoing_error(request_context& context, std::exception_ptr const& error) noexcept;
[[nodiscard]] scope const& scope_of(request_context& context) noexcept;

/// The same for a result (MF-E12): null where it may go.
template <class R>
[[nodiscard]] std::exception_ptr replacement_of(request_context& context, outcome<R>& end) noexcept {
  if constexpr (!std::is_void_v<R>) {
    auto const found = find_escape(escape_rule::result_sent, outcome_access::mutable_value(end), scope_of(context));
    if (found) [[unlikely]]
      return replacement(context, *found);
  }
  return nullptr;
}

/// Completion of executor::submit(): moves the result into a promise. Where moving it throws, the future has that
/// exception, and it counts as the completion's failure.
template <class R>
struct future_completion {
  using owns_outcome_tag = void;

  std::promise<R> promise;

  void operator()(outcome<R>& end, request_context& context) {
    switch (end.kind()) {
      case outcome_kind::value:
        if (auto instead = replacement_of(context, end)) return promise.set_exception(std::move(instead));
        if constexpr (std::is_void_v<R>) {
          promise.set_value();
        } else {
          try {
            promise.set_value(std::move(outcome_access::mutable_value(end)));
          } catch (...) {
            promise.set_exception(outgoing_error(context, std::current_exception()));
            throw;
          }
        }
        return;
      case outcome_kind::exception:
        return promise.set_exception(outgoing_error(context, end.error()));
      case outcome_kind::cancelled:
        return promise.set_exception(std::make_exception_ptr(request_cancelled{}));
      case outcome_kind::expired:
        return promise.set_exception(std::make_exception_ptr(request_expired{}));
    }
  }
  void escaped(escape_report const& report) { promise.set_exception(std::make_exception_ptr(escape_refused{report})); }
  void refused(admission_reason reason) { promise.set_exception(std::make_exception_ptr(refused_error{reason})); }
};

/// What a blocked caller of executor::run() shares with its request. Whoever is first decides whether the handler
/// runs: the worker by claim(), or the caller, when the deadline comes, by abandon(). A handler that runs is waited
/// for, because it may refer to the caller's own variables.
template <class R>
class blocking_state {
 public:
  /// The worker's, before the handler: false when the caller has gone.
  bool claim() {
    std::scoped_lock const lock(mutex_);
    if (phase_ == phase::waiting) phase_ = phase::running;
    return phase_ == phase::running;
  }

  void finish(run_result<R> result) {
    std::scoped_lock const lock(mutex_);
    result_.emplace(std::move(result));
    phase_ = phase_ == phase::abandoned ? phase::abandoned : phase::done;
    done_.notify_one();
  }

  /// The caller's: the result, or nothing when the deadline came before the handler began.
  std::optional<run_result<R>> wait(std::optional<std::chrono::steady_clock::time_point> until) {
    std::unique_lock lock(mutex_);
    auto const done = [this] { return phase_ == phase::done; };
    if (until && !done_.wait_until(lock, *until, done) && phase_ == phase::waiting) {
      phase_ = phase::abandoned;
      return std::nullopt;
    }
    done_.wait(lock, done);
    return std::move(result_);
  }

 private:
  enum class phase : std::uint8_t { waiting, running, done, abandoned };

  std::mutex mutex_;
  std::condition_variable done_;
  phase phase_ = phase::waiting;
  std::optional<run_result<R>> result_;
};

/// Handler of executor::run(): the caller's, unless the caller has gone.
template <class R, class Handler>
struct blocking_handler {
  std::shared_ptr<blocking_state<R>> state;
  Handler handler;

  R operator()(request_context& context) {
    if (!state->claim()) throw request_cancelled{};
    return std::invoke(handler, context);
  }
};

/// Completion of executor::run(): hands the end to the caller. Where moving the result throws, that is the end.
template <class R>
struct blocking_completion {
  using owns_outcome_tag = void;

  std::shared_ptr<blocking_state<R>> state;

  void operator()(outcome<R>& end, request_context& context) {
    if (end.kind() == outcome_kind::exception) return fail(outgoing_error(context, end.error()));
    if (!end.has_value()) return state->finish(run_result<R>(end.kind()));
    if (auto instead = replacement_of(context, end)) return fail(std::move(instead));
    if constexpr (std::is_void_v<R>) {
      state->finish(run_result<R>(std::in_place));
    } else {
      try {
        state->finish(run_result<R>(std::in_place, std::move(outcome_access::mutable_value(end))));
      } catch (...) {
        fail(outgoing_error(context, std::current_exception()));
        throw;
      }
    }
  }

 private:
  void fail(std::exception_ptr error) { state->finish(run_result<R>(outcome_kind::exception, std::move(error))); }
};

}  // namespace detail
}  // namespace mayfly
