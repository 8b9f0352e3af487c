#pragma once

#include <atomic>
#include <csignal>

namespace mayfly::programs {

/// Turns the first Ctrl-C (SIGINT) or SIGTERM into a flag and a readable file; a second one ends the process as if
/// nobody had listened. A signal that the process was started to ignore (nohup, a job in the background) stays ignored.
/// One object at a time. Also makes writing to a closed pipe, or beyond the size a file may
/// have, an error of that write instead of the end of the process.
class stop_signal {
 public:
  stop_signal();
  stop_signal(stop_signal const&) = delete;
  stop_signal& operator=(stop_signal const&) = delete;
  ~stop_signal();

  [[nodiscard]] std::atomic<bool> const& flag() const;
  [[nodiscard]] int file() const;

 private:
  struct sigaction interrupt_before_{};
  struct sigaction terminate_before_{};
};

/// While it lives, threads made by this one are made deaf to what stop_signal listens for: it is the main thread's.
class signals_blocked {
 public:
  signals_blocked();
  signals_blocked(signals_blocked const&) = delete;
  signals_blocked& operator=(signals_blocked const&) = delete;
  ~signals_blocked();

 private:
  sigset_t before_{};
};

}  // namespace mayfly::programs
