#pragma once

#include <mayfly/detail/handle_space.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/lifetimebound.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_id.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
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
  [[nodiscard]] T* get() const noexcept MAYFLY_LIFETIMEBOUND { return pin_ ? object_ : nullptr; }
  [[nodiscard]] T& operator*() const noexcept MAYFLY_LIFETIMEBOUND { return *object_; }
  [[nodiscard]] T* operator->() const noexcept MAYFLY_LIFETIMEBOUND { return object_; }

 private:
  scope_pin pin_;
  T* object_ = nullptr;
};

namespace detail {

/// What scoped_ref<T> does, whatever T is.
struct scope_handle {
  /// Throws std::invalid_argument where the object does not lie in the scope's memory, std::length_error where no
  /// handle can be made.
  [[nodiscard]] static handle_bits make(scope& owner, void const* object);
  [[nodiscard]] static scope_id id(handle_bits handle) noexcept;

  struct pinned_bytes {
    scope_pin pin;
    std::byte* address = nullptr;
  };
  [[nodiscard]] static pinned_bytes pin(handle_bits handle) noexcept {
    handle_anchor const& anchor = anchor_of(handle);
    // Should it be a later owner's, the next look shows that ours has ended. So no scope is ever pinned but the one
    // that the handle was made in.
    handle_owner const in = owner_of(anchor);
    MAYFLY_SCHEDULE_POINT("ref-look");
    std::byte* const address = address_of(anchor, handle);
    if (address == nullptr || in.owner == nullptr) return {};
    MAYFLY_SCHEDULE_POINT("ref-pin");
    // S12: whatever has become of the scope meanwhile, and of its registry, the address is still that of a scope.
    scope_pin pin = scope_pin::of(*static_cast<scope*>(in.owner), scope_id::from_bits(in.tag).generation());
    // The scope may have given the memory back before it was pinned, without ending: by a rewind.
    if (!pin || (address_of(anchor, handle) != address && !MAYFLY_MUTANT("no-look-after-pin"))) return {};
    return {std::move(pin), address};
  }
};

}  // namespace detail

/// Refers to an object in a scope in 8 bytes without keeping the scope. A value: copy it, store it, send it; it may
/// outlive the scope, its registry and its pool, and never dangles: once the object's page or block has been given
/// back, it answers "gone" for ever, whatever lies at the address then.
///
/// Two ways to the object. get(), where the scope cannot end meanwhile, costs a pointer's dereference and a comparison;
/// pin(), anywhere, keeps the scope's memory while somebody looks. Hand a ref between threads as you would a pointer to
/// the object. An object that ends before its page does (by its own scope's rewind or deallocate, or in the destructors
/// at the end) is not told apart from what the scope puts there next: within the scope, a ref is as good as a pointer.
template <typename T>
class scoped_ref {
 public:
  using element_type = T;

  /// Refers to nothing.
  constexpr scoped_ref() noexcept = default;
  /// `object` (of any size and alignment, also part of another) must lie in `owner`, which must not end meanwhile. Any
  /// thread. Throws std::invalid_argument where it lies elsewhere, std::length_error where the process has no room for
  /// more (2^26 pieces of 4 KiB may be referred to at once). The first ref into 4 KiB of addresses may take a lock and
  /// a system call, later ones cost a few loads.
  scoped_ref(scope& owner, T& object)
      : handle_{
            detail::scope_handle::make(owner, const_cast<void const*>(  // NOLINT: volatile is T's, not the address's
                                                  static_cast<void const volatile*>(std::addressof(object))))} {}
  /// Adds const.
  template <typename U>
    requires(std::same_as<U const, T> && !std::same_as<U, T>)
  scoped_ref(scoped_ref<U> other) noexcept : handle_{other.handle_} {}

  /// The object; null when it is gone. Only where its scope cannot end meanwhile: inside the scope, or under a hold or
  /// pin of it. Wait-free.
  [[nodiscard]] T* get() const noexcept {
    return reinterpret_cast<T*>(detail::address_of(detail::anchor_of(handle_), handle_));
  }

  /// The object, pinned, or empty when its scope has ended or it is gone. Lock-free; any thread, at any time. Closing
  /// the scope meanwhile puts off its end; a rewind of the scope's own does not wait.
  [[nodiscard]] pinned<T> pin() const noexcept {
    auto found = detail::scope_handle::pin(handle_);
    return {std::move(found.pin), reinterpret_cast<T*>(found.address)};
  }

  /// The scope that it lies in; none when the object is gone. Any thread.
  [[nodiscard]] scope_id id() const noexcept { return detail::scope_handle::id(handle_); }

  /// Whether both refer to the same byte in the same life of its memory (or to nothing).
  friend constexpr bool operator==(scoped_ref, scoped_ref) noexcept = default;

 private:
  template <typename U>
  friend class scoped_ref;

  detail::handle_bits handle_ = 0;
};
static_assert(sizeof(scoped_ref<int>) == 8);
static_assert(std::is_trivially_copyable_v<scoped_ref<int>>);

}  // namespace mayfly
