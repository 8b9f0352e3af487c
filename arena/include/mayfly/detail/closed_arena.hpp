#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/byte_budget.hpp>
#include <mayfly/detail/mutant.hpp>

#include <cassert>
#include <cstddef>

namespace mayfly {
namespace detail {

/// The budget of every arena that is closed (arena::close()), under which nothing fits: so a closed arena takes no
/// page, and it costs an open one nothing to be none.
inline constinit byte_budget closed_budget{0};

/// Hears of memory that is asked of a closed arena, on the thread that asks. May throw where `may_throw`; where it does
/// not, allocate() throws allocation_error and try_allocate() gives null.
using closed_arena_handler = void (*)(arena const& asked, std::size_t bytes, bool may_throw);
/// For the whole process, by whoever closes arenas. Null, as at the start: nobody.
void set_closed_arena_handler(closed_arena_handler handler) noexcept;
/// Tells the handler.
void tell_of_closed(arena const& asked, std::size_t bytes, bool may_throw);

}  // namespace detail

inline void arena::close() noexcept {
  assert(!has_destructors());
  budget_ = nullptr;
  reset();
  if (!MAYFLY_MUTANT("closed-arena-gives")) budget_ = &detail::closed_budget;
}

}  // namespace mayfly
