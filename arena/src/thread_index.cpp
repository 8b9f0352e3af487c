#include <mayfly/detail/thread_index.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <mutex>

#include <pthread.h>

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

/// The thread's farewell: a pthread key's destructor, which runs after those of thread_local objects. Not such an
/// object itself: where there is no memory to register its destructor, the C library ends the process. A key's value
/// may be refused. Code that still runs after it (the destructors of later keys) gets no_thread_index.
void say_farewell(void* /*set*/) noexcept {
  thread_index const index = assigned_thread_index;
  assigned_thread_index = no_thread_index;
  if (index != no_thread_index) directory.end(index);
}

class farewell_key {
 public:
  farewell_key() noexcept : made_{pthread_key_create(&key_, &say_farewell) == 0} {}
  /// Where this code is part of a library that is unloaded, nobody may call it any more.
  ~farewell_key() {
    if (made_) pthread_key_delete(key_);
  }
  farewell_key(farewell_key const&) = delete;
  farewell_key& operator=(farewell_key const&) = delete;

  /// Whether this thread will say farewell.
  [[nodiscard]] bool set() const noexcept { return made_ && pthread_setspecific(key_, &directory) == 0; }

 private:
  pthread_key_t key_{};
  bool made_;
};

/// Made at the first use, which may be before any static object of ours is.
farewell_key const& farewell() noexcept {
  static farewell_key const the_one;
  return the_one;
}

}  // namespace

void thread_exit_listener::start_listening() noexcept { directory.add(*this); }

void thread_exit_listener::stop_listening() noexcept { directory.remove(*this); }

thread_index assign_thread_index() noexcept {
  if (!farewell().set()) return no_thread_index;
  assigned_thread_index = directory.take();
  return assigned_thread_index;
}

thread_index thread_index_limit() noexcept {
  // sync thread-limit: acquire; pairs with take(); every index assigned before is below the limit
  return directory.limit.load(std::memory_order_acquire);
}

}  // namespace mayfly::detail
