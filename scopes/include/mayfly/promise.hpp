#pragma once

#include <mayfly/detail/home_scope.hpp>
#include <mayfly/detail/require_detached.hpp>
#include <mayfly/escape_refused.hpp>
#include <mayfly/escape_report.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace mayfly {

template <class T>
class promise;

namespace detail {

/// What a promise was given, on its way. What points into the home scope is destroyed only there: elsewhere its
/// destructor might touch what is gone, and it is left alone.
template <class T>
class promised {
 public:
  static constexpr std::size_t a_value = 0;
  static constexpr std::size_t an_error = 1;

  template <std::size_t What, class Given>
  promised(std::in_place_index_t<What> what, Given&& given, home_scope const& home, bool homes)
      : home_(home), homes_(homes), held_(what, std::forward<Given>(given)) {}
  promised(promised&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : home_(other.home_), homes_(other.homes_), held_(std::move(other.held_)) {}
  promised& operator=(promised&&) = delete;
  ~promised() {
    if (!is_outside()) std::destroy_at(&held_);
  }

  /// Whether it points into a scope that the calling thread is not in.
  [[nodiscard]] bool is_outside() const noexcept { return homes_ && !home_.is_around(); }
  [[nodiscard]] escape_rule rule() const noexcept {
    return held_.index() == an_error ? escape_rule::exception_sent : escape_rule::value_sent;
  }

  /// Gives the value, or throws the error.
  T take() {
    if (held_.index() == an_error) std::rethrow_exception(std::get<an_error>(held_));
    return std::move(std::get<a_value>(held_));
  }

 private:
  home_scope home_;
  bool homes_;  // points into the home scope
  union {
    std::variant<T, std::exception_ptr> held_;
  };
};

}  // namespace detail

/// The other end of a mayfly::promise. As std::future, but for what it refuses.
template <class T>
class future {
 public:
  future() noexcept = default;

  [[nodiscard]] bool valid() const noexcept { return future_.valid(); }
  void wait() const { future_.wait(); }
  template <class Rep, class Period>
  std::future_status wait_for(std::chrono::duration<Rep, Period> const& length) const {
    return future_.wait_for(length);
  }
  template <class Clock, class Duration>
  std::future_status wait_until(std::chrono::time_point<Clock, Duration> const& until) const {
    return future_.wait_until(until);
  }

  /// Waits for the value and gives it, once. Throws what the promise was told instead; std::future_error as std::future
  /// does; escape_refused for a value or exception that points into the scope which the promise was made in, outside
  /// that scope. Such a value is never destroyed, got or not: its destructor might touch what is gone.
  T get() {
    detail::promised<T> got = future_.get();
    if (got.is_outside()) {
      escape_report const report = home_.received_outside(got.rule());
      if (detail::stops(report, egress_)) throw escape_refused{report};
    }
    return got.take();
  }

 private:
  friend class promise<T>;
  future(std::future<detail::promised<T>> of, detail::home_scope home, egress_action egress) noexcept
      : future_(std::move(of)), home_(home), egress_(egress) {}

  std::future<detail::promised<T>> future_;
  detail::home_scope home_;
  egress_action egress_ = egress_action::refuse;
};

/// std::promise for detached values, whose values are looked at when they are set inside a scope (MF-E15): one that
/// holds an address of that scope's memory is reported and, by default, does not get through. A promise made inside a
/// scope may carry such values around there.
template <class T>
class promise {
 public:
  explicit promise(egress_action egress = egress_action::refuse) : egress_(egress) {
    detail::require_detached<escape_rule::channel_value, T>();
  }
  promise(promise&&) noexcept = default;
  promise& operator=(promise&&) noexcept = default;
  ~promise() = default;

  /// Once; throws std::future_error as std::promise does.
  [[nodiscard]] future<T> get_future() { return {promise_.get_future(), home_, egress_}; }

  /// Gives the value to whoever waits. False: it was refused, and the future holds escape_refused.
  bool set_value(T value) {
    std::optional<escape_report> report;
    detail::sent_value const seen = detail::look_at_sent(value, home_, egress_, report);
    if (seen == detail::sent_value::stopped) {
      promise_.set_exception(std::make_exception_ptr(escape_refused{*report}));
      return false;
    }
    give<detail::promised<T>::a_value>(std::move(value), seen == detail::sent_value::homes);
    return true;
  }

  /// Gives an exception to whoever waits. False: it holds an address of the caller's scope (MF-E13), and the future
  /// holds escape_refused in its place.
  bool set_exception(std::exception_ptr error) {
    if (scope const* const here = current_scope()) {
      auto const found = detail::find_escape_in_exception(error, *here);
      if (found && home_.may_point_into(found->scope)) {
        give<detail::promised<T>::an_error>(std::move(error), true);
        return true;
      }
      if (found && detail::stops(*found, egress_)) {
        promise_.set_exception(std::make_exception_ptr(escape_refused{*found}));
        return false;
      }
    }
    promise_.set_exception(std::move(error));
    return true;
  }

 private:
  template <std::size_t What, class Given>
  void give(Given&& given, bool homes) {
    promise_.set_value({std::in_place_index<What>, std::forward<Given>(given), home_, homes});
  }

  std::promise<detail::promised<T>> promise_;
  detail::home_scope home_;
  egress_action egress_;
};

}  // namespace mayfly
