#include <mayfly/page_budget.hpp>
#include <mayfly/page_pool.hpp>

#include <algorithm>
#include <cassert>

namespace mayfly {

page_budget::~page_budget() { assert(pools_.empty() && "a page pool outlives its budget"); }

void page_budget::join(page_pool& pool) {
  std::scoped_lock const lock{mutex_};
  pools_.push_back(&pool);
}

/// Nobody takes anything from the pool any more when this is back; what it held goes with it.
void page_budget::leave(page_pool& pool) noexcept {
  std::scoped_lock const lock{mutex_};
  std::erase(pools_, &pool);
  refund(pool.committed_bytes());
}

std::size_t page_budget::set_limit(std::size_t bytes) noexcept {
  bytes_.set_limit(bytes);
  return make_room(0, nullptr);
}

/// Gives idle memory up until so many bytes more fit: that of the pool which asks, then that of the others.
std::size_t page_budget::make_room(std::size_t bytes, page_pool* asking) noexcept {
  std::scoped_lock const lock{mutex_};
  std::size_t freed = 0;
  auto const give_up = [&](page_pool& pool) {
    std::size_t const wanted = used() + bytes;
    if (wanted > limit()) freed += pool.reclaim(wanted - limit());
  };
  if (asking != nullptr) give_up(*asking);
  for (page_pool* const pool : pools_) {
    if (pool != asking) give_up(*pool);
  }
  return freed;
}

bool page_budget::has_room(std::size_t bytes) const noexcept {
  std::size_t const most = limit();
  if (used() < most && most - used() >= bytes) return true;
  std::scoped_lock const lock{mutex_};
  std::size_t idle = 0;
  for (page_pool const* const pool : pools_) idle += pool->stats().idle_bytes();
  std::size_t const in_use = used() - std::min(used(), idle);
  return in_use <= most && most - in_use >= bytes;
}

}  // namespace mayfly
