#pragma once

#include <atomic>
#include <cstdint>

namespace mayfly::detail {

/// How many forks lie between this process and the one that first asked: 0 in that process, more in its children,
/// where no thread but the forking one exists. Reading costs one load of a line that nobody writes.
class fork_guard {
 public:
  /// Begins counting. Before the first call to depth() that matters; any number of times.
  static void watch();

  /// For a copy of one of our threads in a forked child that goes on as if nothing had happened: ends the child's
  /// process with exit status 70 (EX_SOFTWARE), and says why on standard error. Async-signal-safe.
  [[noreturn]] static void end_child() noexcept;

  [[nodiscard]] static std::uint32_t depth() noexcept {
    return forks.load(std::memory_order_relaxed);  // relaxed: written only by the child's one thread, in fork()
  }

 private:
  static inline std::atomic<std::uint32_t> forks{0};
};

}  // namespace mayfly::detail
