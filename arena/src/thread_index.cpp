#include <mayfly/detail/thread_index.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <mutex>

namespace mayfly::detail {

/// Which indices are taken, and who wants to hear of a thread's end. Constant-initialised and never destroyed in
/// effect (its members' destructors do nothing), because threads of a library may end after static destruction.
struct thread_directory {
  static constexpr thread_index capacity = 65'536;
  static constexpr thread_index bits_per_word = 64;

  std::mutex mutex;
  std::array<std::uint64_t, capacity / bits_per_word> taken{};
  thread_exit_listener* listeners = nullptr;
  std::atomic<thread_index> limit{0};

  thread_index take() noexcept {
    std::scoped_lock const lock{mutex};
    for (std::size_t word = 0; word < taken.size(); ++word) {
      if (~taken[word] == 0) continue;
      auto const bit = static_cast<thread_index>(std::countr_one(taken[word]));
      taken[word] |= std::uint64_t{1} << bit;
      auto const index = static_cast<thread_index>(word) * bits_per_word + bit;
      // sync thread-limit: release; pairs with thread_index_limit(); a walker sees every index assigned before
      if (index >= limit.load(std::memory_order_relaxed)) limit.store(index + 1, std::memory_order_release);
      return index;
    }
    return no_thread_index;
  }

  void end(thread_index index) noexcept {
    std::scoped_lock const lock{mutex};
    for (auto* listener = listeners; listener != nullptr; listener = listener->next_) listener->on_thread_exit(index);
    taken[index / bits_per_word] &= ~(std::uint64_t{1} << (index % bits_per_word));
  }

  void add(thread_exit_listener& listener) noexcept {
    std::scoped_lock const lock{mutex};
    listener.next_ = listeners;
    if (listeners != nullptr) listeners->previous_ = &listener;
    listeners = &listener;
  }

  void remove(thread_exit_listener& listener) noexcept {
    std::scoped_lock const lock{mutex};
    if (listener.previous_ != nullptr) listener.previous_->next_ = listener.next_;
    if (listener.next_ != nullptr) listener.next_->previous_ = listener.previous_;
    if (listeners == &listener) listeners = listener.next_;
  }
};

namespace {

constinit thread_directory directory;

/// Its destructor is the thread's farewell. Code that still runs after it gets no_thread_index.
struct thread_farewell {
  thread_index index = no_thread_index;

  ~thread_farewell() {
    assigned_thread_index = no_thread_index;
    if (index != no_thread_index) directory.end(index);
  }
};

thread_local thread_farewell farewell;

}  // namespace

void thread_exit_listener::start_listening() noexcept { directory.add(*this); }

void thread_exit_listener::stop_listening() noexcept { directory.remove(*this); }

thread_index assign_thread_index() noexcept {
  farewell.index = directory.take();
  assigned_thread_index = farewell.index;
  return farewell.index;
}

thread_index thread_index_limit() noexcept {
  // sync thread-limit: acquire; pairs with take(); every index assigned before is below the limit
  return directory.limit.load(std::memory_order_acquire);
}

}  // namespace mayfly::detail
