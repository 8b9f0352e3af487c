#pragma once

#include <mayfly/detail/static_tls.hpp>

#include <cstdint>
#include <limits>

namespace mayfly::detail {

/// A small dense number for every living thread, from 0, reused after the thread has ended. Per-thread caches are
/// arrays indexed by it. Threads that are past their thread-local destructors and their farewell have none: they get
/// `no_thread_index` and work without a cache. So do threads for whose farewell there is no memory, until there is.
using thread_index = std::uint32_t;
inline constexpr thread_index no_thread_index = std::numeric_limits<thread_index>::max();

/// Something that keeps per-thread state under a thread_index, and gives it up when that thread ends.
class thread_exit_listener {
 public:
  /// Runs on the ending thread, once, before its index may be given to another thread. Must not throw or block long.
  virtual void on_thread_exit(thread_index ending) noexcept = 0;

 protected:
  thread_exit_listener() = default;
  ~thread_exit_listener() = default;
  void start_listening() noexcept;  ///< from here on told of every thread's end; once, by the constructor
  void stop_listening() noexcept;   ///< waits for a notification under way; first thing in the destructor
  thread_exit_listener(thread_exit_listener const&) = delete;
  thread_exit_listener& operator=(thread_exit_listener const&) = delete;

 private:
  friend struct thread_directory;
  thread_exit_listener* next_ = nullptr;
  thread_exit_listener* previous_ = nullptr;
};

inline constexpr thread_index unassigned_thread_index = no_thread_index - 1;
MAYFLY_STATIC_TLS inline constinit thread_local thread_index assigned_thread_index = unassigned_thread_index;

/// Assigns this thread's index at its first call. Takes a lock; allocates only where the process has used more than 31
/// pthread keys, and gives no_thread_index where that fails.
[[nodiscard]] thread_index assign_thread_index() noexcept;

/// This thread's index: one thread-local load once it is assigned.
[[nodiscard]] inline thread_index this_thread_index() noexcept {
  thread_index const index = assigned_thread_index;
  if (index == unassigned_thread_index) [[unlikely]]
    return assign_thread_index();
  return index;
}

/// One past the largest index ever assigned in this process: how far a walk over all threads' caches must go.
[[nodiscard]] thread_index thread_index_limit() noexcept;

}  // namespace mayfly::detail
