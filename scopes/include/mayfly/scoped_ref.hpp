#pragma once

#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <utility>

namespace mayfly {

/// An object in a scope, kept alive while this is looked at. Empty: the scope is gone. Move-only; drop it soon, the
/// scope's pages wait for it.
template <typename T>
class pinned {
 public:
  pinned() noexcept = default;
  pinned(scope_pin pin, T* object) noexcept : pin_{std::move(pin)}, object_{object} {}

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(pin_); }
  [[nodiscard]] T* get() const noexcept { return pin_ ? object_ : nullptr; }
  [[nodiscard]] T& operator*() const noexcept { return *object_; }
  [[nodiscard]] T* operator->() const noexcept { return object_; }

 private:
  scope_pin pin_;
  T* object_ = nullptr;
};

/// Refers to an object in a scope without keeping the scope: it may be stored anywhere, for as long as the registry
/// lives. get() answers with the object while the scope lives, and with nothing for ever after, never with what the
/// memory holds then.
template <typename T>
class scoped_ref {
 public:
  /// Refers to nothing.
  scoped_ref() noexcept = default;
  /// `object` must lie in `owner`.
  scoped_ref(scope& owner, T& object) noexcept : registry_{&owner.registry()}, id_{owner.id()}, object_{&object} {}

  /// The object, pinned, or empty when its scope is gone. Lock-free; any thread.
  [[nodiscard]] pinned<T> get() const noexcept {
    if (registry_ == nullptr) return {};
    scope_pin pin = registry_->pin(id_);
    if (!pin) return {};
    return {std::move(pin), object_};
  }

  [[nodiscard]] scope_id id() const noexcept { return id_; }

 private:
  scope_registry* registry_ = nullptr;
  scope_id id_;
  T* object_ = nullptr;
};

}  // namespace mayfly
