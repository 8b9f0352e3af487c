#include "worker_table.hpp"

#include <algorithm>
#include <utility>

namespace mayfly::detail {

worker_table::worker_table(std::size_t most) : workers_(most) { vacated_.reserve(most); }

void worker_table::vacate(worker& left) noexcept {
  std::scoped_lock const lock{mutex_};
  vacated_.push_back(&left);
  changed_.notify_one();
}

worker* worker_table::take_vacated() noexcept {
  worker* left = nullptr;
  {
    std::scoped_lock const lock{mutex_};
    if (!vacated_.empty()) left = &take_lowest();
  }
  if (left != nullptr) left->thread.join();
  return left;
}

worker& worker_table::wait_for_vacated() noexcept {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return !vacated_.empty(); });
  worker& left = take_lowest();
  lock.unlock();
  left.thread.join();
  return left;
}

/// By index, so that threads' names stay low numbers.
worker& worker_table::take_lowest() noexcept {
  auto const lowest = std::min_element(vacated_.begin(), vacated_.end(), [](worker const* one, worker const* other) {
    return one->index < other->index;
  });
  worker& left = **lowest;
  vacated_.erase(lowest);
  return left;
}

worker& worker_table::add(std::unique_ptr<worker> fresh) noexcept {
  std::size_t const index = made_.load(std::memory_order_relaxed);  // relaxed: written by this caller alone
  workers_[index] = std::move(fresh);
  // sync worker-made: release; pairs with for_each(); publishes the worker
  made_.store(index + 1, std::memory_order_release);
  return *workers_[index];
}

}  // namespace mayfly::detail
