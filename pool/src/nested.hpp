#pragma once

#include "executor_core.hpp"
#include <mayfly/request_context.hpp>
#include <mayfly/scope.hpp>

#include <atomic>
#include <optional>

namespace mayfly::detail {

/// Whether a request should stop, asked before each piece of nested work; remembers why. Shared by the threads that run
/// the pieces.
class stop_watch {
 public:
  explicit stop_watch(request_context& of) noexcept : context_(of) {}

  /// True, from the first time on, when the piece at hand must not begin.
  bool stops() noexcept { return stops_at(context_access::core(context_).clock().now()); }
  bool stops_at(cycle_clock::ticks now) noexcept {
    if (why_.load(std::memory_order_relaxed) != outcome_kind::value) return true;  // relaxed: a flag to be polled
    outcome_kind const verdict = verdict_at(now);
    if (verdict == outcome_kind::value) return false;
    why_.store(verdict, std::memory_order_relaxed);
    return true;
  }

  /// After the pieces have been waited for: throws when some were left out.
  void throw_if_cut() const {
    switch (why_.load(std::memory_order_relaxed)) {
      case outcome_kind::cancelled:
        throw request_cancelled{};
      case outcome_kind::expired:
        throw request_expired{};
      default:
        return;
    }
  }

  void forget() noexcept { why_.store(outcome_kind::value, std::memory_order_relaxed); }

  /// Whether the request should stop now; reads the clock only if there is a deadline.
  [[nodiscard]] outcome_kind verdict() const noexcept {
    bool const dated = context_access::record(context_).deadline != 0;
    return verdict_at(dated ? context_access::core(context_).clock().now() : 0);
  }

 private:
  [[nodiscard]] outcome_kind verdict_at(cycle_clock::ticks now) const noexcept {
    if (context_.stop_requested()) return outcome_kind::cancelled;
    cycle_clock::ticks const deadline = context_access::record(context_).deadline;
    return deadline != 0 && now > deadline ? outcome_kind::expired : outcome_kind::value;
  }

  request_context& context_;
  std::atomic<outcome_kind> why_{outcome_kind::value};
};

/// Makes `in` current for a piece of nested work, unless it is already: then this thread keeps its lane.
class nested_entry {
 public:
  explicit nested_entry(scope& in) {
    if (current_scope() == &in) return;
    entered_.emplace(in);
    if (worker* const here = this_worker()) here->figures.helped_chunks.add();
  }

 private:
  std::optional<scope_entry> entered_;
};

}  // namespace mayfly::detail
