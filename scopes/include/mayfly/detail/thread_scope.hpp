#pragma once

#include <mayfly/detail/static_tls.hpp>

#include <cstdint>

namespace mayfly {

class arena;
class scope;

namespace detail {

/// What this thread works for now. Plain data, so that reading it is one thread-local load.
struct thread_scope {
  scope* active = nullptr;
  arena* lane = nullptr;  // this thread's arena in `active`; null until its first allocation there
  bool ending = false;    // this thread is running the destructors of `active`, which no id finds any more
};
MAYFLY_STATIC_TLS inline constinit thread_local thread_scope current;

/// A number for this thread that no other thread of the process ever has; never 0.
MAYFLY_STATIC_TLS inline constinit thread_local std::uint64_t assigned_thread_key = 0;
[[nodiscard]] std::uint64_t assign_thread_key() noexcept;
[[nodiscard]] inline std::uint64_t this_thread_key() noexcept {
  std::uint64_t const key = assigned_thread_key;
  return key != 0 ? key : assign_thread_key();
}

/// What this thread worked for when this was made, to come back to. A scope that has ended meanwhile is not come back
/// to: its slot may be another request's (S7).
class saved_scope {
 public:
  saved_scope() noexcept;
  /// On the same thread.
  void restore() const noexcept;
  /// Whether it was `other`, and this thread is running its destructors: an entry of it there is no different.
  [[nodiscard]] bool is_ending(scope const& other) const noexcept { return ending_ && active_ == &other; }

 private:
  // Member by member, and not in the order of thread_scope: copied as a block right behind its single stores, as
  // happens where short scopes nest, each copy would wait for the store buffer (3 ns an entry here).
  scope* active_;
  std::uint64_t generation_;  // of active_
  arena* lane_;
  bool ending_;
};

}  // namespace detail
}  // namespace mayfly
