#pragma once

#include <mayfly/stress/world.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace mayfly::stress {

/// Every live scope and the stack of every thread, for people. `goes_on()` is called before each stack.
[[nodiscard]] std::string stall_report(
    world& in, std::chrono::nanoseconds after, std::function<void()> const& goes_on = [] {});

/// Looks whether a run gets on; when it has not for `patience`, calls `stalled` on a thread of its own, once.
class watchdog {
 public:
  watchdog(world& in, std::chrono::nanoseconds patience, std::function<void(world&)> stalled);
  watchdog(watchdog const&) = delete;
  watchdog& operator=(watchdog const&) = delete;
  ~watchdog();

 private:
  void look();

  world& world_;
  std::chrono::nanoseconds patience_;
  std::function<void(world&)> stalled_;
  std::mutex mutex_;  // guards ended_
  std::condition_variable change_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace mayfly::stress
