#pragma once

#include "memory_pressure.hpp"
#include "native_thread.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

namespace mayfly {
class page_pool;
}  // namespace mayfly

namespace mayfly::detail {

/// A thread that ends an epoch of a pool's every so often, so that memory which was not needed for some goes back to
/// the system; all that is idle, at once, where memory is short.
class trimmer {
 public:
  trimmer(page_pool& pages, memory_pressure pressure);
  ~trimmer() { stop(); }
  trimmer(trimmer const&) = delete;
  trimmer& operator=(trimmer const&) = delete;

  /// Throws std::system_error where there is no thread. Once.
  void start(std::string const& name, std::chrono::nanoseconds interval);
  /// Waits for a trim that runs. Nothing where none was started, or twice.
  void stop() noexcept;

  /// One step of the thread, for whoever has no thread. Returns the bytes given back.
  std::size_t end_epoch() noexcept;

  /// Any thread.
  [[nodiscard]] std::uint64_t returned_bytes() const noexcept {
    return returned_bytes_.load(std::memory_order_relaxed);  // relaxed: a figure
  }
  [[nodiscard]] std::uint64_t pressure_trims() const noexcept {
    return pressure_trims_.load(std::memory_order_relaxed);  // relaxed: a figure
  }

 private:
  static void* main(void* self) noexcept;
  void run() noexcept;

  page_pool& pages_;
  memory_pressure pressure_;
  std::chrono::nanoseconds interval_{};
  native_thread thread_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopped_ = false;

  std::atomic<std::uint64_t> returned_bytes_{0};  // written by whoever ends epochs
  std::atomic<std::uint64_t> pressure_trims_{0};
};

}  // namespace mayfly::detail
