#pragma once

#include <mayfly/admission.hpp>
#include <mayfly/detail/place.hpp>
#include <mayfly/detail/require_detached.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope_entry.hpp>
#include <mayfly/submit_options.hpp>

#include <chrono>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace mayfly {

class executor;

namespace detail {
template <class... Parameters>
struct coroutine_promise;
struct coroutine_base;

/// A coroutine's frame, owned: resumed once, or destroyed.
class coroutine_turn {
 public:
  explicit coroutine_turn(std::coroutine_handle<> frame) noexcept : frame_(frame) {}
  coroutine_turn(coroutine_turn&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  coroutine_turn& operator=(coroutine_turn&&) = delete;
  ~coroutine_turn() {
    if (frame_) frame_.destroy();
  }

  /// Gives the frame up: to whoever resumes it.
  [[nodiscard]] std::coroutine_handle<> release() noexcept { return std::exchange(frame_, nullptr); }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

 private:
  std::coroutine_handle<> frame_;
};
}  // namespace detail

/// A coroutine that nobody waits for, not begun yet: executor::spawn() begins it on a worker. It runs in no scope (in a
/// request of its own, but outside that request's scope), from one co_await to the next, each perhaps on another
/// worker.
///
///     mayfly::detached_coroutine greet(mayfly::executor& pool, std::string name) {
///       co_await mayfly::resume_after(pool, 50ms);
///       std::puts(name.c_str());
///     }
///     auto admitted = pool.spawn({.route = "greet"}, greet(pool, "you"));
///
/// Its frame lives longer than any request, so its parameters are detached types, by value (MF-E07); what they hold is
/// looked at when it is called inside a scope (MF-E14). References to an executor are allowed, and a lambda without
/// captures. What it throws is counted as an exception of the request that it ran in, and goes no further. One that is
/// not begun, or whose next turn is refused or cancelled, is destroyed where it stands, once.
class detached_coroutine {
 public:
  detached_coroutine(detached_coroutine&&) noexcept = default;
  detached_coroutine& operator=(detached_coroutine&&) = delete;
  ~detached_coroutine() = default;

 private:
  template <class... Parameters>
  friend struct detail::coroutine_promise;
  friend class executor;

  detached_coroutine(detail::coroutine_turn begins, std::optional<escape_report> const& escape) noexcept
      : begins_(std::move(begins)), escape_(escape) {}

  detail::coroutine_turn begins_;
  std::optional<escape_report> escape_;
};

namespace detail {

/// Runs a coroutine's turn as the handler of a request.
struct turn_handler {
  coroutine_turn turn;
  void operator()(request_context& context);
};

/// detached_coroutine.cpp: what unhandled_exception() does.
void coroutine_threw() noexcept;

/// A parameter that a detached coroutine may have: a detached type, by value; an executor; the lambda that it is.
template <class Parameter>
constexpr void require_coroutine_parameter() {
  using type = std::remove_cvref_t<Parameter>;
  constexpr bool executor_reference = std::is_same_v<Parameter, executor&>;
  constexpr bool holds_nothing = std::is_empty_v<type>;
  if constexpr (!executor_reference && !holds_nothing) {
    require_detached<escape_rule::coroutine_parameter, Parameter>();
  }
}

/// An address of the caller's scope in a coroutine's parameter, as it lies in the frame.
template <class Parameter, class Value>
std::optional<escape_report> find_in_parameter(Value const& value, scope const& caller) noexcept {
  using type = std::remove_cvref_t<Parameter>;
  if constexpr (std::is_same_v<Parameter, executor&> || std::is_empty_v<type>) {
    return std::nullopt;
  } else {
    return find_escape(escape_rule::argument_sent, value, caller);
  }
}

/// The promise of a detached_coroutine with these parameters.
template <class... Parameters>
struct coroutine_promise {
  template <class... Values>
  explicit coroutine_promise(Values&... values) noexcept {
    (require_coroutine_parameter<Parameters>(), ...);
    [[maybe_unused]] scope const* const caller = current_scope();
    if constexpr (sizeof...(Values) != 0) {
      if (caller != nullptr) look_at<Parameters...>(*caller, values...);
    }
  }

  detached_coroutine get_return_object() noexcept {
    return {coroutine_turn{std::coroutine_handle<coroutine_promise>::from_promise(*this)}, escape};
  }
  static std::suspend_always initial_suspend() noexcept { return {}; }
  static std::suspend_never final_suspend() noexcept { return {}; }
  static void return_void() noexcept {}
  static void unhandled_exception() noexcept { coroutine_threw(); }

  std::optional<escape_report> escape;

 private:
  template <class First, class... Others, class... Values>
  void look_at(scope const& caller, Values const&... values) noexcept {
    if constexpr (sizeof...(Values) == sizeof...(Others) + 1) {
      look_at_each<First, Others...>(caller, values...);
    } else {
      look_at_each<Others...>(caller, values...);  // Clang hands the constructor no lambda
    }
  }
  template <class... Types, class... Values>
  void look_at_each(scope const& caller, Values const&... values) noexcept {
    (..., (escape = escape ? escape : find_in_parameter<Types>(values, caller)));
  }
};

}  // namespace detail

/// co_await resume_on(pool): the coroutine goes on as another request of `pool`, so that others have their turn.
/// Options as for any request: a deadline counts from now, and a turn that is refused, cancelled or expired ends the
/// coroutine.
class resume_on {
 public:
  explicit resume_on(executor& pool, submit_options options = {}) : pool_(pool), options_(std::move(options)) {}

  [[nodiscard]] static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> frame) noexcept;
  static void await_resume() noexcept {}

 private:
  executor& pool_;
  submit_options options_;
};

/// co_await resume_after(pool, delay): the same after some time. A timer that is dropped ends the coroutine.
class resume_after {
 public:
  resume_after(executor& pool, std::chrono::nanoseconds delay, submit_options options = {})
      : pool_(pool), delay_(delay), options_(std::move(options)) {}

  [[nodiscard]] static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> frame) noexcept;
  static void await_resume() noexcept {}

 private:
  executor& pool_;
  std::chrono::nanoseconds delay_;
  submit_options options_;
};

}  // namespace mayfly

template <class... Parameters>
struct std::coroutine_traits<mayfly::detached_coroutine, Parameters...> {
  using promise_type = mayfly::detail::coroutine_promise<Parameters...>;
};
