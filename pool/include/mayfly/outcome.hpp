#pragma once

#include <mayfly/request_errors.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mayfly {

/// How a request ended.
enum class outcome_kind : std::uint8_t {
  value,      ///< the handler returned
  exception,  ///< the handler threw
  cancelled,  ///< somebody cancelled it, before or while it ran
  expired,    ///< its deadline passed, before it ran or while it did
};

[[nodiscard]] constexpr std::string_view to_string(outcome_kind kind) noexcept {
  switch (kind) {
    case outcome_kind::value:
      return "value";
    case outcome_kind::exception:
      return "exception";
    case outcome_kind::cancelled:
      return "cancelled";
    case outcome_kind::expired:
      return "expired";
  }
  return "unknown";
}

namespace detail {
struct outcome_access;

/// What an outcome keeps for a handler's result: itself, a pointer for a reference, nothing for void.
template <class T>
struct outcome_storage {
  using stored = T;
  using const_result = T const&;
};
template <class T>
struct outcome_storage<T&> {
  using stored = T*;
  using const_result = T&;
};
template <>
struct outcome_storage<void> {
  using stored = char;
  using const_result = void;
};
}  // namespace detail

/// How a request ended, and with what; completions get one. T is what the handler returns: anything, a reference or
/// void included. It may point into the request's arena, because a completion runs before the arena goes. Neither
/// copied nor moved: it lives where the executor made it.
template <class T>
class outcome {
  using storage = detail::outcome_storage<T>;

 public:
  using value_type = T;

  outcome(outcome const&) = delete;
  outcome& operator=(outcome const&) = delete;
  ~outcome() {
    if (has_value()) std::destroy_at(std::addressof(stored_));
  }

  [[nodiscard]] outcome_kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool has_value() const noexcept { return kind_ == outcome_kind::value; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The handler's result; throws what the handler threw, request_cancelled or request_expired when there is none.
  typename storage::const_result value() const {
    if (!has_value()) throw_error();
    return **this;
  }

  /// The handler's result, unchecked: only when has_value().
  typename storage::const_result operator*() const noexcept {
    if constexpr (std::is_reference_v<T>) {
      return *stored_;
    } else if constexpr (!std::is_void_v<T>) {
      return stored_;
    }
  }
  auto operator->() const noexcept
    requires(!std::is_void_v<T>)
  {
    return std::addressof(**this);
  }

  /// What the handler threw; null unless kind() is exception.
  [[nodiscard]] std::exception_ptr const& error() const noexcept { return error_; }

 private:
  friend struct detail::outcome_access;

  outcome() noexcept : nothing_{} {}

  [[noreturn]] void throw_error() const {
    switch (kind_) {
      case outcome_kind::cancelled:
        throw request_cancelled{};
      case outcome_kind::expired:
        throw request_expired{};
      default:
        std::rethrow_exception(error_);
    }
  }

  outcome_kind kind_ = outcome_kind::cancelled;
  std::exception_ptr error_;
  union {
    char nothing_;
    typename storage::stored stored_;
  };
};

namespace detail {

/// The executor's side of an outcome.
struct outcome_access {
  template <class T>
  static outcome<T> make() noexcept {
    return outcome<T>{};
  }
  /// Makes the result of `call()` the value, in place: the result need not be movable.
  template <class T, class Call>
  static void set_value(outcome<T>& into, Call&& call) {
    if constexpr (std::is_void_v<T>) {
      std::forward<Call>(call)();
      into.stored_ = 0;
    } else if constexpr (std::is_reference_v<T>) {
      ::new (static_cast<void*>(std::addressof(into.stored_)))
          std::remove_reference_t<T>*(std::addressof(std::forward<Call>(call)()));
    } else {
      ::new (static_cast<void*>(std::addressof(into.stored_))) T(std::forward<Call>(call)());
    }
    into.kind_ = outcome_kind::value;
  }
  /// Ends without a value, dropping the one or the exception that is there.
  template <class T>
  static void set_kind(outcome<T>& into, outcome_kind kind) noexcept {
    if (into.has_value()) std::destroy_at(std::addressof(into.stored_));
    into.error_ = nullptr;
    into.kind_ = kind;
  }
  template <class T>
  static void set_error(outcome<T>& into, std::exception_ptr error) noexcept {
    set_kind(into, outcome_kind::exception);
    into.error_ = std::move(error);
  }
  /// The value, to be moved from.
  template <class T>
  static T& mutable_value(outcome<T>& of) noexcept {
    return of.stored_;
  }
};

}  // namespace detail
}  // namespace mayfly
