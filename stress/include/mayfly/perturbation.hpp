#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

/// Seeded disorder for programs with MAYFLY_SCHEDULE_POINTS: while a perturbation lives, the steps of mayfly's
/// lock-free algorithms yield, spin and sleep now and then, so that schedules come about which real time rarely
/// produces.
///
/// A race detector needs it: where every thread passes through the same few atomics, each access is ordered behind the
/// one before it by luck, and what is not ordered by design is not seen. For the same reason the hook itself orders
/// nothing: it has only relaxed operations, and none that reads and writes at once behind a thread's first steps.
namespace mayfly::stress {

/// How often a step gives way: one in so many, never where it is 0.
struct perturbation_options {
  /// The same seed makes the same choices for a program whose threads reach their first steps in the same order.
  std::uint64_t seed = 1;
  std::uint32_t one_yield_in = 8;
  std::uint32_t one_spin_in = 8;  ///< 1 to 64 pauses
  std::uint32_t one_sleep_in = 4'096;
  std::chrono::microseconds longest_sleep{100};
};

/// One schedule point of the code, and how often threads came by.
struct perturbed_step {
  std::string_view name;
  std::uint64_t reached = 0;
};

/// What a perturbation has done so far. Exact once the threads rest, and while no more than 128 of them took steps:
/// beyond that two share one counter, and may lose a count to each other.
struct perturbation_counts {
  std::uint64_t steps = 0;
  std::uint64_t yields = 0;
  std::uint64_t spins = 0;
  std::uint64_t sleeps = 0;
  std::vector<perturbed_step> points;  ///< by name
};

/// Perturbs the whole process while it lives. One at a time: a second throws std::logic_error. It takes the place of a
/// hook that was set before it (set_schedule_hook), and leaves none behind. Made and destroyed at any time, by any
/// thread; threads on their way may still finish a step's disorder after its end. Without MAYFLY_SCHEDULE_POINTS it
/// does nothing, and counts no step.
class perturbation {
 public:
  explicit perturbation(perturbation_options const& options = {});
  ~perturbation();
  perturbation(perturbation const&) = delete;
  perturbation& operator=(perturbation const&) = delete;

  /// Any thread, at any time.
  [[nodiscard]] perturbation_counts counts() const;
};

/// The seed that the environment asks for (MAYFLY_SCHEDULE_SEED, a decimal number), or `otherwise` where it is unset.
/// Throws std::invalid_argument, with the value, where it is not a number of 64 bits.
[[nodiscard]] std::uint64_t schedule_seed(std::uint64_t otherwise);

}  // namespace mayfly::stress
