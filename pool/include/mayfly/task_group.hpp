#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace mayfly {

class request_context;

namespace detail {
/// A task's closure, in the request's arena, with its type erased.
struct task_closure {
  void* object;
  void (*run)(void* object);
  void (*destroy)(void* object) noexcept;
};
}  // namespace detail

/// Tasks of one request that run beside each other, on its own thread and on idle workers.
///
///     mayfly::task_group group{request};
///     group.run([&] { left = sort(request, a); });
///     group.run([&] { right = sort(request, b); });
///     group.wait();
///
/// Make it in a handler (or in nested work of it), use it from one thread at a time, and let it go before that handler
/// returns. Each task runs in the request's scope, in its thread's lane. If the group goes without wait() (because the
/// handler throws), tasks that have not begun are dropped and the others are waited for.
class task_group {
 public:
  explicit task_group(request_context& request);
  ~task_group();
  task_group(task_group const&) = delete;
  task_group& operator=(task_group const&) = delete;
  void* operator new(std::size_t) = delete;
  void* operator new[](std::size_t) = delete;

  /// Adds a task. Its closure is kept in the request's arena until the task has run. Throws what copying it throws,
  /// and allocation_error.
  template <class Fn>
    requires std::invocable<std::decay_t<Fn>&>
  void run(Fn&& fn) {
    using closure = std::decay_t<Fn>;
    void* const memory = allocate(sizeof(closure), alignof(closure));
    auto* const made = ::new (memory) closure(std::forward<Fn>(fn));
    spawn({made, [](void* object) { (*static_cast<closure*>(object))(); },
           [](void* object) noexcept { std::destroy_at(static_cast<closure*>(object)); }});
  }

  /// Waits for all tasks; while it waits, runs them and other work of this request only. Throws what the first task to
  /// throw threw (the others are dropped or run to their end), request_cancelled or request_expired. The group can
  /// then be used again.
  void wait();

  /// Drops tasks that have not begun; one that has begun runs to its end, with the nested work it started.
  void cancel() noexcept;

  struct state;

 private:
  void* allocate(std::size_t bytes, std::size_t alignment);
  void spawn(detail::task_closure closure);

  static constexpr std::size_t state_bytes = 384;
  state* state_;
  alignas(64) std::byte storage_[state_bytes];
};

}  // namespace mayfly
