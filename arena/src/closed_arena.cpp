#include <mayfly/detail/closed_arena.hpp>

#include <atomic>

namespace mayfly::detail {
namespace {

std::atomic<closed_arena_handler> handler_for_closed_arenas{nullptr};

}  // namespace

void set_closed_arena_handler(closed_arena_handler handler) noexcept {
  handler_for_closed_arenas.store(handler,
                                  std::memory_order_relaxed);  // relaxed: a function, which brings nothing along
}

void tell_of_closed(arena const& asked, std::size_t bytes, bool may_throw) {
  closed_arena_handler const handler = handler_for_closed_arenas.load(std::memory_order_relaxed);  // relaxed: as above
  if (handler != nullptr) handler(asked, bytes, may_throw);
}

}  // namespace mayfly::detail
