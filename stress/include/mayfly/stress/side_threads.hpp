#pragma once

#include <mayfly/stress/world.hpp>

#include <atomic>
#include <thread>

namespace mayfly::stress {

/// The threads beside workers and submitters: one cancels, one lets held scopes go, one looks whether ids that ended
/// are still refused, and pins scopes that live. With the faults of these names one ends epochs, one moves the budget.
class side_threads {
 public:
  explicit side_threads(world& in);
  side_threads(side_threads const&) = delete;
  side_threads& operator=(side_threads const&) = delete;
  /// Works off what it was given, and joins.
  ~side_threads();

 private:
  void cancel();
  void let_go();
  void probe();
  void end_epochs();
  void move_budget();

  world& world_;
  std::atomic<bool> ending_{false};
  std::thread cancels_;
  std::thread lets_go_;
  std::thread probes_;
  std::thread ends_epochs_;   // where that fault is on
  std::thread moves_budget_;  // the same
};

/// Checks every id that the ring of ended ones still has.
void check_all_ended_ids(world& in);

}  // namespace mayfly::stress
