#pragma once

#include <mayfly/admission.hpp>
#include <mayfly/allocation_error.hpp>
#include <mayfly/outcome.hpp>
#include <mayfly/stress/choices.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mayfly::stress {

/// A figure that any thread adds to. Relaxed throughout: nothing depends on it.
class counter {
 public:
  void add(std::uint64_t more = 1) noexcept { value_.fetch_add(more, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline constexpr std::size_t outcome_count = 4;
inline constexpr std::size_t admission_count = 8;
inline constexpr std::size_t refusal_count = 6;

/// What a run has done.
struct run_counts {
  std::array<counter, kind_count> kinds;        ///< accepted requests
  std::array<counter, outcome_count> outcomes;  ///< of outcome_kind
  /// Injected: memory refused or trimmed, cancelled, thrown, overrun; epochs ended, budgets moved.
  std::array<counter, fault_count> faults;
  std::array<counter, admission_count> refusals;  ///< of admission_reason, one for each time it was said
  std::array<counter, refusal_count> memory;      ///< of refusal: requests that were refused memory
  counter given_up;                               ///< requests refused for good
  counter written_bytes;                          ///< and read back
  counter storms;
  counter cancels;  ///< that found their request alive
  counter holds;
  counter trims;
  counter returned_bytes;  ///< to the system, by epochs' ends and lowered budgets
  counter nested_scopes;
  counter tasks;  ///< spawned and accepted
  counter tasks_run;
  counter timers;
  counter timers_cancelled;
  counter ids_probed;  ///< after their scopes had ended
  counter pins;        ///< of live scopes, by another thread
  counter digest;      ///< sum of the digests of all choices

  void count(fault which, std::uint64_t more = 1) noexcept { faults[static_cast<std::size_t>(which)].add(more); }
  void count(admission_reason reason) noexcept { refusals[static_cast<std::size_t>(reason)].add(); }
};

}  // namespace mayfly::stress
