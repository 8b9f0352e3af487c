#pragma once

#include <mayfly/explorer/atomic.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mayfly::explorer {

/// How the next step is chosen, where there is a choice.
enum class strategy : std::uint8_t {
  /// Depth first through every execution within the bounds. Ends when all have been seen.
  exhaustive,
  /// Random priorities with a few random points at which the running thread falls behind all others (PCT: Burckhardt,
  /// Kothari, Musuvathi and Nagarakatte, ASPLOS 2010): finds bugs of few ordering constraints with a known chance.
  priorities,
  /// Any runnable thread at any step.
  random,
};

/// What an exploration does, and where it ends.
struct options {
  strategy how = strategy::exhaustive;
  /// Exhaustive: at most so many switches away from a thread that could go on, an execution.
  std::uint32_t preemptions = 2;
  /// At most so many loads that give an older value than the newest, an execution.
  std::uint32_t stale_reads = 2;
  /// Stop after so many executions; exhaustive ends earlier where there are fewer.
  std::uint64_t executions = 1'000'000;
  std::uint64_t seed = 1;           ///< of the two random strategies
  std::uint32_t change_points = 3;  ///< priorities: so many times the running thread falls behind
  /// An execution that takes more steps is reported as a livelock.
  std::uint32_t steps = 5'000;
};

/// What an exploration found.
struct report {
  std::uint64_t executions = 0;
  bool exhausted = false;              ///< every execution within the bounds was seen
  std::optional<std::string> failure;  ///< what went wrong first: a failed require(), a race, a deadlock, a livelock
  std::uint64_t failed_at = 0;         ///< the number of that execution, counted from 1
  std::vector<std::string> trace;      ///< its steps

  /// One line: bounds, executions, what was found; for a test's output.
  std::string summary;
};

/// One execution of the program under exploration, to be set up.
class execution {
 public:
  virtual ~execution() = default;
  /// Adds a thread: at most five. The body must do the same each time it is given the same values, must not block but
  /// by the policy's means, and must end by returning.
  virtual void thread(std::function<void()> body) = 0;
  /// Keeps the program's state until the execution is over.
  virtual void keep(std::shared_ptr<void> state) = 0;
  /// Runs after all threads have ended; knows what each of them did.
  virtual void finally(std::function<void()> check) = 0;

 protected:
  execution() = default;
  execution(execution const&) = default;
  execution& operator=(execution const&) = default;
};

/// Runs the program again and again, each time in another of its interleavings and with other values that weak memory
/// orders allow, until something fails or the options say that it is enough. `set_up` makes the program's state (with
/// explored_atomics for its policy), kept by keep() or by the bodies it adds, and is called once an execution. Not
/// reentrant; the calling thread does all the work. One execution of a few dozen steps costs some microseconds.
[[nodiscard]] report explore(options const& how, std::function<void(execution&)> const& set_up);

/// Ends the exploration with that message unless `holds`. In a body or in finally().
void require(bool holds, char const* message);

}  // namespace mayfly::explorer
