#pragma once

#include <mayfly/detail/mutant.hpp>
#include <mayfly/detail/thread_scope.hpp>
#include <mayfly/scope.hpp>

#include <cassert>

namespace mayfly {

/// The scope that this thread works for, innermost first; null outside any. Never another request's: see scope_entry.
[[nodiscard]] inline scope* current_scope() noexcept { return detail::current.active; }

inline detail::saved_scope::saved_scope() noexcept
    : active_{current.active},
      generation_{active_ == nullptr ? 0 : active_->id_.generation()},
      lane_{current.lane},
      ending_{current.ending} {}

inline void detail::saved_scope::restore() const noexcept {
  bool const goes_on = active_ == nullptr || ending_ || active_->lives(generation_);
  if (goes_on) [[likely]] {
    current = {active_, lane_, ending_};
  } else {
    current = {};
  }
}

/// Makes a scope current on this thread while it lives, and what was current before again afterwards: nothing, where
/// that scope has ended meanwhile. Enter around every body that works for a request, on whichever thread it runs;
/// entries nest and must end in reverse order, on their thread. Costs a few loads and stores.
class scope_entry {
 public:
  explicit scope_entry(scope& entered) noexcept { detail::current = {&entered, nullptr, before_.is_ending(entered)}; }
  /// Enters with the arena inside the scope as this thread's lane: for the thread that opened or adopted it.
  scope_entry(scope& entered, arena& lane) noexcept {
    assert(&lane == &entered.main_ && "no other arena is the scope's");
    detail::current = {&entered, &lane, before_.is_ending(entered)};
  }
  /// Enters only where `entered` is `tenant` still, or is running its destructors on this thread: for an entry that may
  /// come after the scope's end, when the address is its slot's next tenant's. Then MF-E23 is reported, scope_gone
  /// thrown, and nothing entered. A look, not a hold: the caller sees to it that the scope does not end meanwhile.
  scope_entry(scope& entered, scope_id tenant) {
    bool const ending = before_.is_ending(entered) && entered.id_ == tenant;
    if (!ending && !entered.lives(tenant.generation()) && !MAYFLY_MUTANT("late-call-enters-the-next")) [[unlikely]]
      entered.refuse_entry(tenant);
    detail::current = {&entered, nullptr, ending};
  }
  scope_entry(scope_entry const&) = delete;
  scope_entry& operator=(scope_entry const&) = delete;
  ~scope_entry() { before_.restore(); }

 private:
  detail::saved_scope before_;
};

/// Leaves whatever scope is current while it lives: for code that runs in between and belongs to no request.
class scope_exemption {
 public:
  scope_exemption() noexcept { detail::current = {}; }
  scope_exemption(scope_exemption const&) = delete;
  scope_exemption& operator=(scope_exemption const&) = delete;
  ~scope_exemption() { before_.restore(); }

 private:
  detail::saved_scope before_;
};

}  // namespace mayfly
