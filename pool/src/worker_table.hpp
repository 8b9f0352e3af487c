#pragma once

#include "worker.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace mayfly::detail {

/// The workers of an executor, by index. One is made when an index is first needed and stays until the executor's end,
/// whether a thread runs for it or not: so what it counts and knows is kept, and read without a lock.
class worker_table {
 public:
  explicit worker_table(std::size_t most);

  /// Visits every worker that was ever made. Any thread.
  template <class Visit>
  void for_each(Visit&& visit) const {
    // sync worker-made: acquire; pairs with add(); the worker itself, but for what it counts
    std::size_t const made = made_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < made; ++i) visit(*workers_[i]);
  }

  // Whoever changes the number of workers, one thread at a time:

  /// A worker without a thread: one whose thread has gone (and is joined here), or a new one, made by `make(index)`.
  /// Waits where all indices are taken, for a worker that is on its way to vacate(). Throws what `make` throws.
  template <class Make>
  worker& vacant(Make&& make) {
    if (worker* const left = take_vacated()) return *left;
    std::size_t const index = made_.load(std::memory_order_relaxed);  // relaxed: written by this caller alone
    if (index == workers_.size()) return wait_for_vacated();
    return add(make(index));
  }

  // A worker that ends: it does no more than return, and its thread is joined before anybody has its place. And whoever
  // could not start its thread:

  void vacate(worker& left) noexcept;

 private:
  [[nodiscard]] worker* take_vacated() noexcept;
  [[nodiscard]] worker& wait_for_vacated() noexcept;
  [[nodiscard]] worker& take_lowest() noexcept;
  worker& add(std::unique_ptr<worker> fresh) noexcept;

  std::vector<std::unique_ptr<worker>> workers_;  // as many as there can be, filled from the front
  std::atomic<std::size_t> made_{0};              // written by whoever changes the number of workers

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<worker*> vacated_;  // room for all
};

}  // namespace mayfly::detail
