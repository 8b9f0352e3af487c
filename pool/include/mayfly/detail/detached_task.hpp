#pragma once

#include <mayfly/detail/place.hpp>
#include <mayfly/detail/require_detached.hpp>
#include <mayfly/timer.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace mayfly {

class request_context;

namespace detail {

/// A callable that holds nothing: a function, or an object of a class without members, as a lambda without captures is.
template <class Fn>
concept Captureless = std::is_empty_v<Fn> || (std::is_pointer_v<Fn> && std::is_function_v<std::remove_pointer_t<Fn>>);

template <class Fn>
constexpr void require_captureless() {
#ifndef MAYFLY_NO_ESCAPE_CHECKS
  static_assert(Captureless<Fn>,
                "MF-E03: a detached task captures, and would outlive what it captures; give it a function or a closure "
                "without captures, and hand what it needs over as arguments");
#endif
}

/// A function and its arguments, which nobody waits for.
template <class Fn, class... Args>
struct detached_task {
  [[no_unique_address]] Fn fn;
  std::tuple<Args...> arguments;

  void operator()(request_context& context) {
    std::apply([&](Args&... each) { static_cast<void>(std::invoke(fn, context, std::move(each)...)); }, arguments);
  }
};

template <class Fn, class... Args>
using detached_task_of = detached_task<std::decay_t<Fn>, std::decay_t<Args>...>;

/// What spawn() and spawn_after() ask of the types.
template <class Fn, class... Args>
constexpr void require_detached_task() {
  require_captureless<std::decay_t<Fn>>();
  (require_detached<escape_rule::task_argument, std::decay_t<Args>>(), ...);
}

/// The completion of what nobody waits for.
struct nobody_waits {
  template <class Outcome>
  void operator()(Outcome const&, request_context&) const noexcept {}
};

/// The check of what a task takes along: its arguments, by type (MF-E14).
struct arguments_check {
  static constexpr bool looks = true;
  static constexpr bool zeroes = false;

  template <class Job>
  static std::optional<escape_report> find(Job& made, submit_options const& options, scope const& caller) noexcept {
    return find_in(made.handler, options, caller);
  }
  template <class Fn, class... Args>
  static std::optional<escape_report> find_in(detached_task<Fn, Args...> const& task, submit_options const& options,
                                              scope const& caller) noexcept {
    if (auto found = find_escape(escape_rule::argument_sent, task.arguments, caller)) return found;
    if constexpr (!Captureless<Fn>) {  // waved through by MAYFLY_NO_ESCAPE_CHECKS
      auto const* const bytes = std::addressof(task.fn);
      auto found = find_escape_in_bytes(escape_rule::argument_sent, bytes, sizeof(Fn), caller, padding::unknown);
      if (found) return found;
    }
    return find_escape_of_route(escape_rule::argument_sent, options, caller);
  }
};

template <class Fn, class... Args>
admission spawn(executor_core& core, submit_options const& options, Fn&& fn, Args&&... args) {
  require_detached_task<Fn, Args...>();
  return place<arguments_check>(core, options,
                                detached_task_of<Fn, Args...>{std::forward<Fn>(fn), {std::forward<Args>(args)...}},
                                nobody_waits{});
}

/// A task that waits for its time; on the heap.
class timer_node {
 public:
  explicit timer_node(submit_options options) : options_(std::move(options)) {}
  timer_node(timer_node const&) = delete;
  timer_node& operator=(timer_node const&) = delete;
  virtual ~timer_node() = default;

  /// Its time has come. At most once.
  virtual admission fire(executor_core& core) = 0;
  [[nodiscard]] submit_options const& options() const noexcept { return options_; }

 private:
  submit_options options_;
};

/// A timer's node for one type of task.
template <class Task>
class timed_task final : public timer_node {
 public:
  timed_task(submit_options const& options, Task&& task) : timer_node(options), task_(std::move(task)) {}

  admission fire(executor_core& core) override {
    return place<not_looked_at>(core, options(), std::move(task_), nobody_waits{});
  }
  [[nodiscard]] Task const& task() const noexcept { return task_; }

 private:
  Task task_;
};

/// timers.cpp: takes the timer in, or says why not.
[[nodiscard]] timer_admission arm_timer(executor_core& core, std::chrono::nanoseconds delay,
                                        std::unique_ptr<timer_node> timer);

template <class Fn, class... Args>
timer_admission spawn_after(executor_core& core, std::chrono::nanoseconds delay, submit_options const& options, Fn&& fn,
                            Args&&... args) {
  require_detached_task<Fn, Args...>();
  using task = detached_task_of<Fn, Args...>;
  auto timer = std::make_unique<timed_task<task>>(options, task{std::forward<Fn>(fn), {std::forward<Args>(args)...}});
  if (scope const* const caller = current_scope()) {
    auto const found = arguments_check::find_in(timer->task(), options, *caller);
    if (found && stops(core, *found)) return refuse_request(core, options, admission_reason::escapes);
  }
  return arm_timer(core, delay, std::move(timer));
}

}  // namespace detail
}  // namespace mayfly
