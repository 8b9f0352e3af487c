#pragma once

#include "native_thread.hpp"
#include <mayfly/detail/detached_task.hpp>
#include <mayfly/timer.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace mayfly::detail {

/// How timers have ended. set = fired + cancelled + dropped + those that wait or are firing.
struct timer_figures {
  std::uint64_t set = 0;
  std::uint64_t fired = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t dropped = 0;
  std::size_t waiting = 0;
};

/// Tasks that wait for their time, and the thread that submits them when it has come. The thread starts with the first
/// timer. Everything is under one lock, but for the submission itself and the end of a task: both run user code.
class timers {
 public:
  timers(executor_core& core, std::string const& name, std::size_t most);
  ~timers();
  timers(timers const&) = delete;
  timers& operator=(timers const&) = delete;

  /// Throws std::system_error where there is no thread for the first timer, std::bad_alloc; nothing is set then.
  timer_admission arm(std::chrono::nanoseconds delay, std::unique_ptr<timer_node> timer);

  /// Whether it was waiting; it never fires then.
  bool cancel(timer_id id) noexcept;

  /// Takes nothing more, drops what waits, and waits for the one that is firing. Returns how many it dropped. From one
  /// thread at a time, and not from a timer's own.
  std::size_t close() noexcept;

  [[nodiscard]] timer_figures figures() const;

 private:
  using waiting_map = std::map<timer_id, std::unique_ptr<timer_node>>;

  static void* main(void* self) noexcept;
  void run() noexcept;
  void fire(std::unique_lock<std::mutex>& lock) noexcept;

  executor_core& core_;
  std::string name_;
  std::size_t most_;
  native_thread thread_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  waiting_map waiting_;
  timer_figures figures_;
  std::uint64_t last_number_ = 0;
  bool closed_ = false;
};

}  // namespace mayfly::detail
