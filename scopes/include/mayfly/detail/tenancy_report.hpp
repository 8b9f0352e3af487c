#pragma once

#include <cstddef>
#include <cstdint>

namespace mayfly {
class arena;
class scope;
struct escape_report;
}  // namespace mayfly

namespace mayfly::detail {

/// What a report can say of one tenancy of a slot, to whoever keeps nothing of it.
struct tenancy_report {
  /// Adds the scope's id, if it is not there (by the slot's present number: that of an ended registry's slot may be
  /// another than it was) and, where that tenancy is the last one that the slot has had, its route, when and by which
  /// thread it was opened, and by which it was torn down, if it has been. When that was is not known: nobody reads a
  /// clock for it. Any thread, any time, also when the registry has gone (S12).
  static void complete(scope const& slot, std::uint64_t generation, escape_report& report) noexcept;
  /// The generation of the last tenancy that has begun.
  [[nodiscard]] static std::uint64_t last_of(scope const& slot) noexcept;
  [[nodiscard]] static scope const& slot_of(arena const& main) noexcept;
};

/// What is done about memory that is asked of a closed scope's arena (arena's detail/closed_arena.hpp): reported as
/// MF-E22; then throws scope_gone, if it may.
void tell_of_late_arena(arena const& asked, std::size_t bytes, bool may_throw);

}  // namespace mayfly::detail
