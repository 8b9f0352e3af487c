#pragma once

#include <mayfly/detached.hpp>
#include <mayfly/lifetimebound.hpp>

#include <type_traits>
#include <utility>

namespace mayfly {

/// A value of which somebody says that it may leave its request, though its type does not: what trusted() gives. A
/// value like the one in it, which it converts to.
template <class T>
class trusted_value {
 public:
  using value_type = T;

  constexpr explicit trusted_value(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(value)) {}

  [[nodiscard]] constexpr T const& get() const& noexcept MAYFLY_LIFETIMEBOUND { return value_; }
  [[nodiscard]] constexpr T& get() & noexcept MAYFLY_LIFETIMEBOUND { return value_; }
  [[nodiscard]] constexpr T get() && noexcept(std::is_nothrow_move_constructible_v<T>) { return std::move(value_); }

  constexpr operator T const&() const& noexcept MAYFLY_LIFETIMEBOUND {  // NOLINT(google-explicit-constructor)
    return value_;
  }

 private:
  T value_;
};

template <class T>
inline constexpr bool is_detached<trusted_value<T>> = true;

/// The waiver: `return trusted(view);` where the type cannot show what the author knows, a view of a literal, say. The
/// compiler asks no further; the layers at run time still look, and report what points into the request.
template <class T>
[[nodiscard]] constexpr trusted_value<std::decay_t<T>> trusted(T&& value) {
  return trusted_value<std::decay_t<T>>(std::forward<T>(value));
}

}  // namespace mayfly
