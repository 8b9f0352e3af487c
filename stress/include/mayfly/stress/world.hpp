#pragma once

#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/plugin.hpp>
#include <mayfly/stress/choices.hpp>
#include <mayfly/stress/ended_ids.hpp>
#include <mayfly/stress/handoff.hpp>
#include <mayfly/stress/ledger.hpp>
#include <mayfly/stress/run_counts.hpp>
#include <mayfly/stress/violations.hpp>
#include <mayfly/stress/written_memory.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace mayfly::stress {

/// A request that another thread is to cancel.
struct cancel_order {
  scope_id id;
  std::stop_source source{std::nostopstate};  ///< where it has a state: through it, not by id
  std::uint32_t wait_us = 0;
  bool storm = false;     ///< and everything else that lives
  bool is_fault = false;  ///< injected, not of the request's kind
};

/// A scope that another thread is to let go.
struct held_scope {
  scope_hold hold;
  written_memory const* memory = nullptr;
  std::uint64_t number = 0;
  std::uint32_t wait_us = 0;
};

/// Everything that the requests of a run share. Outlives them.
struct world {
  world(choice_plan chosen, std::size_t submitters, std::size_t in_flight)
      : plan(std::move(chosen)), book(submitters, in_flight + 1, violations), runs_on(in_flight) {}

  choice_plan plan;
  violation_log violations;
  run_counts counts;
  ledger book;
  ended_ids ended;
  handoff<cancel_order> to_cancel;
  handoff<held_scope> to_let_go;
  std::vector<plugin::named_handler> user_handlers;  ///< by choice::plugin_handler
  page_pool* pages = nullptr;
  executor* requests = nullptr;
  scope_registry* registry = nullptr;   ///< the executor's; while its destructor waits for the last scopes, too
  std::atomic<std::uint64_t> begun{0};  ///< numbers of requests that were drawn
  std::vector<std::atomic<std::int32_t>> runs_on;  ///< for each slot of a scope: the thread of its handler, 0: none

  /// Whether pages may be refused: there is a budget, or was one a moment ago.
  [[nodiscard]] bool has_page_budget() const noexcept {
    return plan.faults.has(fault::budget) || pages->max_bytes() != page_pool_options::unlimited;
  }

  /// Changes whenever something is got done.
  [[nodiscard]] std::uint64_t progress() const noexcept {
    return book.accepted_count() + book.completed_count() + book.refused_count() + counts.tasks_run.get();
  }
};

}  // namespace mayfly::stress
