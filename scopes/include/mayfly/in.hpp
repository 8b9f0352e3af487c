#pragma once

#include <mayfly/lifetimebound.hpp>

#include <cstddef>
#include <memory>

namespace mayfly {

/// A pointer for parameters: to an object in a request's memory (or anywhere), for the length of a call. It can be
/// made, looked through and passed down, as `*it`; it cannot be copied, assigned, made with new, or held by what is
/// copied. For functions that shall not keep what they are shown:
///
///     price total(mayfly::in<order> placed);   // total(order) or total(pointer) calls it
///
/// Never null. As large as a pointer, and as fast.
template <class T>
class in {
 public:
  constexpr in(T& object MAYFLY_LIFETIMEBOUND) noexcept  // NOLINT(google-explicit-constructor): a parameter's
      : object_(std::addressof(object)) {}
  /// Not null.
  constexpr in(T* object MAYFLY_LIFETIMEBOUND) noexcept  // NOLINT(google-explicit-constructor): a parameter's
      : object_(object) {}
  in(T&&) = delete;  // a temporary's
  in(std::nullptr_t) = delete;

  in(in const&) = delete;
  in& operator=(in const&) = delete;
  void* operator new(std::size_t) = delete;
  void* operator new[](std::size_t) = delete;

  [[nodiscard]] constexpr T& operator*() const noexcept { return *object_; }
  [[nodiscard]] constexpr T* operator->() const noexcept { return object_; }

 private:
  T* object_;
};

}  // namespace mayfly
