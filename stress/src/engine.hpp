#pragma once

#include <mayfly/explorer.hpp>
#include <mayfly/explorer/decider.hpp>
#include <mayfly/explorer/fiber.hpp>
#include <mayfly/explorer/memory_model.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mayfly::explorer {

/// Runs executions: every thread of the program is a fiber, and one step of one of them is taken at a time.
///
///     explore():  start ── set_up ── [ step of thread i ]* ── finally ── advance ── start ...
///                                       before each: decider, which fiber
///                                       in each: memory model, which value
class engine final : public execution {
 public:
  engine(options const& how, std::function<void(execution&)> const& set_up);

  [[nodiscard]] report run();

  void thread(std::function<void()> body) override;
  void keep(std::shared_ptr<void> owned) override { kept_.push_back(std::move(owned)); }
  void finally(std::function<void()> check) override { finally_ = std::move(check); }

  // What the steps in atomic.hpp do, on the fiber of the thread that takes them.
  void before_step();
  [[nodiscard]] std::uint32_t choose_value(std::uint32_t count) { return decider_.next_value(count); }
  [[nodiscard]] memory_model& memory() noexcept { return memory_; }
  [[nodiscard]] thread_number running() const noexcept { return running_; }
  void pause();
  /// The step has written something that a paused thread may wait for.
  void changed();
  [[nodiscard]] std::size_t make_semaphore();
  void post(std::size_t semaphore);
  void wait(std::size_t semaphore);
  /// Ends the execution there: does not return, except to setting up.
  void fail(std::string&& why);

  [[nodiscard]] bool tracing() const noexcept { return tracing_; }
  void note(std::string what);

 private:
  enum class state : std::uint8_t { unused, ready, paused, waiting, ended };

  struct explored_thread {
    std::function<void()> body;
    std::unique_ptr<fiber> stack;
    state is = state::unused;
    std::size_t waits_for = 0;  // a semaphore
    bool was_chosen = false;    // for the step that it comes to next
  };

  /// The fiber that takes the steps; null while setting up, which is nobody's.
  [[nodiscard]] fiber* stepping() const noexcept {
    return running_ != 0 ? threads_[running_].stack.get() : ending_ ? threads_[0].stack.get() : nullptr;
  }
  void count_step();

  struct explored_semaphore {
    std::uint64_t count = 0;
    view published;
  };

  void run_one(bool again);
  void run_threads();
  void run_end();
  void end_main();
  void thread_main(thread_number self);
  void switch_thread(bool running_may_go_on);
  void leave_to(fiber& next, thread_number number);
  [[nodiscard]] std::size_t list_ready(std::array<thread_number, max_threads>& ready, bool running_first) const;
  [[nodiscard]] std::string describe_stuck() const;

  options options_;
  std::function<void(execution&)> const& set_up_;
  decider decider_;
  memory_model memory_;
  fiber main_;
  std::array<explored_thread, max_threads> threads_;
  std::size_t thread_count_ = 0;  // beside thread 0
  std::vector<explored_semaphore> semaphores_;
  std::function<void()> finally_;
  std::vector<std::shared_ptr<void>> kept_;
  thread_number running_ = 0;  // 0: setting up, or finally()
  bool ending_ = false;        // in finally(), on the fiber of threads_[0]
  std::uint32_t steps_ = 0;
  bool tracing_ = false;
  std::optional<std::string> failure_;
  std::vector<std::string> trace_;
};

/// The exploration on this thread; there is one whenever a step is taken.
[[nodiscard]] engine& current_engine();

}  // namespace mayfly::explorer
