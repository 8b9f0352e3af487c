#pragma once

#include <mayfly/detail/marked_scope.hpp>
#include <mayfly/lifetimebound.hpp>
#include <mayfly/scope.hpp>

#include <utility>

namespace mayfly {

namespace detail {
struct scope_handle;
}  // namespace detail

/// Keeps a scope open; see scope::hold(). Move-only, may be dropped on any thread; dropping the last one after close()
/// ends the scope there.
class scope_hold {
 public:
  scope_hold() noexcept = default;
  scope_hold(scope_hold&& other) noexcept : scope_{std::exchange(other.scope_, {})} {}
  /// Gives up what was held before, at once.
  scope_hold& operator=(scope_hold&& other) noexcept {
    scope_hold taken{std::move(other)};
    std::swap(scope_, taken.scope_);
    return *this;
  }
  ~scope_hold() { release(); }

  /// Gives the hold up now.
  void release() noexcept {
    if (auto const held = std::exchange(scope_, {})) held.known().drop_hold();
  }

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(scope_); }
  [[nodiscard]] scope& get() const noexcept MAYFLY_LIFETIMEBOUND { return scope_.known(); }
  [[nodiscard]] scope* operator->() const noexcept MAYFLY_LIFETIMEBOUND { return scope_.get(); }

 private:
  friend class scope;
  explicit scope_hold(scope& held) noexcept : scope_{held} {}

  detail::marked_scope<detail::scope_mark::keeps> scope_;
};

/// Keeps a scope's memory from going while somebody looks; see scope_registry::pin(). Does not keep its id alive, and
/// is no ground to hold() or enter it. Move-only, may be dropped on any thread; dropping the last one of an ended scope
/// runs its destructors there.
class scope_pin {
 public:
  scope_pin() noexcept = default;
  scope_pin(scope_pin&& other) noexcept : scope_{std::exchange(other.scope_, {})} {}
  /// Drops what was pinned before, at once.
  scope_pin& operator=(scope_pin&& other) noexcept {
    scope_pin taken{std::move(other)};
    std::swap(scope_, taken.scope_);
    return *this;
  }
  ~scope_pin() {
    if (scope_) scope_.known().unpin();
  }

  /// false: the scope was gone.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(scope_); }
  [[nodiscard]] scope& get() const noexcept MAYFLY_LIFETIMEBOUND { return scope_.known(); }

 private:
  friend class scope_registry;
  friend struct detail::scope_handle;
  /// Empty where no tenant of that generation lives.
  [[nodiscard]] static scope_pin of(scope& wanted, std::uint64_t generation) noexcept {
    return wanted.try_pin(generation) ? scope_pin{wanted} : scope_pin{};
  }
  explicit scope_pin(scope& pinned) noexcept : scope_{pinned} {}

  detail::marked_scope<detail::scope_mark::keeps> scope_;
};

}  // namespace mayfly
