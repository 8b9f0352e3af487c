#pragma once

#include <mayfly/admission.hpp>
#include <mayfly/outcome.hpp>
#include <mayfly/request_errors.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace mayfly {

/// What executor::run() comes back with: how the request ended, or why it was refused. A value; R is detached.
template <class R>
class run_result {
  using stored = std::conditional_t<std::is_void_v<R>, char, R>;

 public:
  /// Not accepted, and why.
  explicit run_result(admission_reason refused) noexcept : reason_(refused) {}
  /// Ended without a value.
  explicit run_result(outcome_kind kind, std::exception_ptr error = nullptr) noexcept
      : kind_(kind), error_(std::move(error)) {}
  /// Ended with a value.
  template <class... Args>
  explicit run_result(std::in_place_t, Args&&... args)
      : kind_(outcome_kind::value), value_(std::in_place, std::forward<Args>(args)...) {}

  [[nodiscard]] bool accepted() const noexcept { return reason_ == admission_reason::accepted; }
  [[nodiscard]] admission_reason reason() const noexcept { return reason_; }
  /// How it ended; cancelled when it was not accepted.
  [[nodiscard]] outcome_kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] std::exception_ptr const& error() const noexcept { return error_; }

  /// The value; throws refused_error, request_cancelled, request_expired or what the handler threw.
  std::add_lvalue_reference_t<R> value() & {
    require_value();
    if constexpr (!std::is_void_v<R>) return *value_;
  }
  R value() && {
    require_value();
    if constexpr (!std::is_void_v<R>) return std::move(*value_);
  }

 private:
  void require_value() const {
    if (has_value()) return;
    if (!accepted()) throw refused_error{reason_};
    if (error_) std::rethrow_exception(error_);
    if (kind_ == outcome_kind::expired) throw request_expired{};
    throw request_cancelled{};
  }

  admission_reason reason_ = admission_reason::accepted;
  outcome_kind kind_ = outcome_kind::cancelled;
  std::exception_ptr error_;
  std::optional<stored> value_;
};

}  // namespace mayfly
