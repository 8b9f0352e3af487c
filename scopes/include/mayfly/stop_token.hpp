#pragma once

#include <mayfly/detail/marked_scope.hpp>
#include <mayfly/scope.hpp>

#include <cstdint>

namespace mayfly {

/// Tells a handler to stop. A value; answers for its own scope only, also after that has ended (true) and its slot has
/// a new tenant. Must not outlive the registry.
class stop_token {
 public:
  /// Never asks to stop.
  stop_token() noexcept = default;

  /// True once the scope is cancelled or has ended. One relaxed load; any thread.
  [[nodiscard]] bool stop_requested() const noexcept {
    if (!scope_) return false;
    // Relaxed: a flag to be polled; nothing is read on the strength of it.
    std::uint64_t const control = scope_.known().control_.load(std::memory_order_relaxed);
    return !detail::scope_control::is_live(control, generation_) ||
           (control & detail::scope_control::cancelled_bit) != 0;
  }

 private:
  friend class scope;
  stop_token(scope& watched, std::uint64_t generation) noexcept : scope_{watched}, generation_{generation} {}

  detail::marked_scope<detail::scope_mark::watches> scope_;
  std::uint64_t generation_ = 0;
};

}  // namespace mayfly
