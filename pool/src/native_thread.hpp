#pragma once

#include <cstddef>
#include <string>

#include <pthread.h>

namespace mayfly::detail {

/// A thread with a chosen stack and a name, neither of which std::thread can give.
class native_thread {
 public:
  /// Enough for a thread that is no worker.
  static constexpr std::size_t small_stack_bytes = std::size_t{256} << 10U;

  native_thread() = default;
  native_thread(native_thread const&) = delete;
  native_thread& operator=(native_thread const&) = delete;

  /// Starts `main(argument)`; throws std::system_error, naming `name`, when the system has no thread for us. The
  /// thread blocks signals but for faults and SIGPROF: they are the program's business and belong on its threads.
  void start(std::string const& name, std::size_t stack_bytes, void* (*main)(void*), void* argument);

  /// Waits for its end; nothing when it was never started.
  void join() noexcept;

  [[nodiscard]] bool started() const noexcept { return started_; }

 private:
  pthread_t handle_{};
  bool started_ = false;
};

}  // namespace mayfly::detail
