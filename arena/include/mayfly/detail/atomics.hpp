#pragma once

#include <semaphore.h>

#include <atomic>
#include <cerrno>

namespace mayfly::detail {

/// A counting semaphore of the system's: what was written before a post() is visible after the wait() it ends.
class system_semaphore {
 public:
  system_semaphore() noexcept { sem_init(&semaphore_, 0, 0); }
  ~system_semaphore() { sem_destroy(&semaphore_); }
  system_semaphore(system_semaphore const&) = delete;
  system_semaphore& operator=(system_semaphore const&) = delete;

  void post() noexcept { sem_post(&semaphore_); }
  /// Also where a signal comes in between.
  void wait() noexcept {
    while (sem_wait(&semaphore_) != 0 && errno == EINTR) {
    }
  }

 private:
  sem_t semaphore_;
};

/// What lock-free code is made of. Written on a policy instead of std::atomic, it can be run on explored_atomics too
/// (stress/), which shows it every interleaving and every value that its memory orders allow. With this policy it is
/// the same instructions as without one (test policy_cost).
struct native_atomics {
  template <typename T>
  using atomic = std::atomic<T>;
  /// Plain data whose accesses something else must order.
  template <typename T>
  using var = T;
  using semaphore = system_semaphore;

  /// In a loop that waits for another running thread's next step.
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
};

}  // namespace mayfly::detail
