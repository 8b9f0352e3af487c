#include "trimmer.hpp"

#include <mayfly/page_pool.hpp>

#include <utility>

namespace mayfly::detail {

trimmer::trimmer(page_pool& pages, memory_pressure pressure) : pages_{pages}, pressure_{std::move(pressure)} {}

void trimmer::start(std::string const& name, std::chrono::nanoseconds interval) {
  interval_ = interval;
  thread_.start(name, native_thread::small_stack_bytes, &trimmer::main, this);
}

void trimmer::stop() noexcept {
  {
    std::scoped_lock const lock{mutex_};
    stopped_ = true;
    changed_.notify_one();
  }
  thread_.join();
}

std::size_t trimmer::end_epoch() noexcept {
  std::size_t returned = pages_.end_epoch();
  if (pressure_.is_short()) {
    returned += pages_.trim(true);
    pressure_trims_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
  }
  returned_bytes_.fetch_add(returned, std::memory_order_relaxed);  // relaxed: a figure
  return returned;
}

void* trimmer::main(void* self) noexcept {
  static_cast<trimmer*>(self)->run();
  return nullptr;
}

void trimmer::run() noexcept {
  std::unique_lock lock{mutex_};
  while (!changed_.wait_for(lock, interval_, [this] { return stopped_; })) {
    lock.unlock();
    end_epoch();
    lock.lock();
  }
}

}  // namespace mayfly::detail
