#pragma once

#include <mayfly/scope_id.hpp>

#include <cstdint>
#include <string_view>

namespace mayfly {

/// What the executor says to a request at its door.
enum class admission_reason : std::uint8_t {
  accepted,
  /// As many requests of its priority are queued as max_queued allows, or max_in_flight are accepted and not ended.
  /// Try again when some have ended.
  queue_full,
  /// The page budget is used up by the requests that run, or the closure alone is larger than the request's budget.
  over_budget,
  /// The deadline had passed when it was submitted.
  expired,
  /// The executor is draining or has been shut down: it takes nothing any more.
  draining,
  /// This process is a fork of the one that owns the executor's threads: nothing would ever run.
  forked_child,
  /// A blocking call from one of the executor's own workers, which would wait for itself.
  on_worker,
  /// It was submitted inside a scope, and its closure or an argument holds an address of that scope's memory (MF-E11,
  /// MF-E14): see executor_options::egress.
  escapes,
};

/// The name of a reason, as it stands above.
[[nodiscard]] constexpr std::string_view to_string(admission_reason reason) noexcept {
  switch (reason) {
    case admission_reason::accepted:
      return "accepted";
    case admission_reason::queue_full:
      return "queue_full";
    case admission_reason::over_budget:
      return "over_budget";
    case admission_reason::expired:
      return "expired";
    case admission_reason::draining:
      return "draining";
    case admission_reason::forked_child:
      return "forked_child";
    case admission_reason::on_worker:
      return "on_worker";
    case admission_reason::escapes:
      return "escapes";
  }
  return "unknown";
}

/// The executor's answer to try_submit(): true when the request was accepted, and then its id; else the reason. An
/// accepted request gets exactly one completion; a refused one gets none, and its handler has not run and never will.
class [[nodiscard]] admission {
 public:
  static admission accept(scope_id id) noexcept { return admission{admission_reason::accepted, id}; }
  static admission refuse(admission_reason reason) noexcept { return admission{reason, scope_id{}}; }

  explicit operator bool() const noexcept { return reason_ == admission_reason::accepted; }
  [[nodiscard]] admission_reason reason() const noexcept { return reason_; }
  /// The request's scope, for executor::request_cancel() and the like; a null id when refused.
  [[nodiscard]] scope_id id() const noexcept { return id_; }

 private:
  admission(admission_reason reason, scope_id id) noexcept : reason_(reason), id_(id) {}

  admission_reason reason_;
  scope_id id_;
};

}  // namespace mayfly
