#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mayfly::stress {

/// Where a thread is.
struct thread_stack {
  std::int32_t thread = 0;  ///< as gettid() counts
  std::string name;
  std::vector<std::string> frames;  ///< innermost first
  std::string missing;              ///< why there are no frames; empty: there are
};

/// The stacks of all threads of this process but the caller's. Asks each by a signal (SIGRTMIN + 5) and waits that long
/// for its answer, so a thread that blocks signals, or is inside the kernel for good, has none. One caller at a time.
/// `goes_on()` is called before each.
[[nodiscard]] std::vector<thread_stack> stacks_of_other_threads(
    std::chrono::milliseconds patience, std::function<void()> const& goes_on = [] {});

/// Lets the calling thread be asked: an executor's workers block all signals. Costs a load after a thread's first call.
void let_stack_be_asked() noexcept;

/// Makes everything ready that could not be done while threads hang: call it early.
void prepare_stacks();

}  // namespace mayfly::stress
