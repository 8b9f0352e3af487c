#include <mayfly/detail/thread_index.hpp>
#include <mayfly/detail/virtual_thread.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <mutex>
#include <stdexcept>

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

constinit thread_directory threads;

/// The thread's farewell: a pthread key's destructor, which runs after those of thread_local objects. Not such an
/// object itself: where there is no memory to register its destructor, the C library ends the process. A key's value
/// may be refused. Code that still runs after it (the destructors of later keys) gets no_thread_index.
void say_farewell(void* /*set*/) noexcept {
  thread_index const index = assigned_thread_index;
  assigned_thread_index = no_thread_index;
  if (index != no_thread_index) threads.end(index);
}

constinit pthread_key_t key{};
// Outside the object that makes and deletes it: asked for also after that object's end, by threads that outlive it.
constinit std::atomic<bool> key_is_made{false};

struct farewell_key {
  farewell_key() noexcept { set_made(pthread_key_create(&key, &say_farewell) == 0); }
  /// Where this code is part of a library that is unloaded, nobody may call it any more.
  ~farewell_key() {
    if (!key_is_made.load(std::memory_order_relaxed)) return;  // relaxed: made by this thread's call, or before it
    set_made(false);
    pthread_key_delete(key);
  }
  farewell_key(farewell_key const&) = delete;
  farewell_key& operator=(farewell_key const&) = delete;

  // Relaxed: the making of the static object publishes the key; at the process's end no order could help who is late.
  static void set_made(bool made) noexcept { key_is_made.store(made, std::memory_order_relaxed); }
};

/// A fork waits until no thread is in the directory: in the child that thread would not be there to let go of it, and
/// the child's first pool to end would wait for it. (Where the system has no memory for this, so be it.) Asked for when
/// the program is loaded: what the user's own handlers take they then take before our mutex, as a thread does that
/// comes here while it holds that. Before page_budget, whose locks are taken before this one.
[[gnu::constructor(1000)]] void watch_forks_for_threads() noexcept {
  pthread_atfork([] { threads.mutex.lock(); }, [] { threads.mutex.unlock(); }, [] { threads.mutex.unlock(); });
}

/// Whether this thread will say farewell. The key is made at the first use, which may be before any static object of
/// ours is, and gone after them.
bool set_farewell() noexcept {
  static farewell_key const the_one;
  // relaxed: as in set_made()
  return key_is_made.load(std::memory_order_relaxed) && pthread_setspecific(key, &threads) == 0;
}

}  // namespace

void thread_exit_listener::start_listening() noexcept { threads.add(*this); }

void thread_exit_listener::stop_listening() noexcept { threads.remove(*this); }

thread_index assign_thread_index() noexcept {
  if (!set_farewell()) return no_thread_index;
  assigned_thread_index = threads.take();
  return assigned_thread_index;
}

virtual_thread::virtual_thread() : index_{threads.take()} {
  if (index_ == no_thread_index) throw std::length_error("the process has no thread index left");
}

virtual_thread::~virtual_thread() { threads.end(index_); }

thread_index thread_index_limit() noexcept {
  // sync thread-limit: acquire; pairs with take(); every index assigned before is below the limit
  return threads.limit.load(std::memory_order_acquire);
}

}  // namespace mayfly::detail
