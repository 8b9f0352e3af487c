// The page budget: what is charged to it, how it moves, and what lies idle gives way to it.

#include <mayfly/page_budget.hpp>
#include <mayfly/page_pool.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace mayfly {

using detail::index_chain;

std::size_t page_pool::checked_max_bytes(std::size_t bytes, std::size_t least) {
  if (bytes >= least) return bytes;
  throw std::invalid_argument{"page_pool_options.max_bytes is " + std::to_string(bytes) +
                              ": must hold at least one page of the smallest class"};
}

std::size_t page_pool::set_max_bytes(std::size_t bytes) {
  // Relaxed: a charge that has begun may go by either limit; the limit orders nothing.
  max_bytes_.store(checked_max_bytes(bytes, class_bytes(0)), std::memory_order_relaxed);
  return return_excess();
}

std::size_t page_pool::most_bytes() const noexcept {
  page_budget const* const common = options_.common_budget;
  return common == nullptr ? max_bytes() : std::min(max_bytes(), common->limit());
}

bool page_pool::over_limit() const noexcept {
  page_budget const* const common = options_.common_budget;
  return committed_bytes() > max_bytes() || (common != nullptr && common->is_over());
}

/// What is idle goes for as long as the pool holds more than its limit, or all pools more than their common one.
std::size_t page_pool::return_excess() noexcept {
  if (!over_limit()) return 0;
  std::size_t const committed = committed_bytes();
  std::size_t const most = max_bytes();
  std::size_t const freed = committed > most ? reclaim(committed - most) : 0;
  return freed + (options_.common_budget == nullptr ? 0 : options_.common_budget->make_room(0, this));
}

bool page_pool::has_room(std::size_t bytes) const noexcept {
  if (options_.common_budget != nullptr && !options_.common_budget->has_room(bytes)) return false;
  std::size_t const most = max_bytes();
  std::size_t const committed = committed_bytes();
  if (committed < most && most - committed >= bytes) return true;
  page_pool_stats const now = stats();
  std::size_t const in_use = now.committed_bytes - std::min(now.committed_bytes, now.idle_bytes());
  return in_use <= most && most - in_use >= bytes;
}

bool page_pool::try_charge_own(std::size_t bytes) noexcept {
  // Relaxed throughout: the counter orders nothing, it only has to be exact.
  std::size_t used = committed_.load(std::memory_order_relaxed);
  std::size_t const most = max_bytes();
  do {
    if (bytes > most || used > most - bytes) return false;
  } while (!committed_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed, std::memory_order_relaxed));
  // A charge that the common budget then refuses counts, too: it was here for a moment.
  std::size_t peak = peak_committed_.load(std::memory_order_relaxed);
  while (peak < used + bytes && !peak_committed_.compare_exchange_weak(peak, used + bytes, std::memory_order_relaxed,
                                                                       std::memory_order_relaxed)) {
  }
  return true;
}

bool page_pool::try_charge(std::size_t bytes) noexcept {
  if (!try_charge_own(bytes)) return false;
  if (options_.common_budget != nullptr && !options_.common_budget->try_charge(bytes)) {
    committed_.fetch_sub(bytes, std::memory_order_relaxed);  // relaxed: as in try_charge_own()
    return false;
  }
  return true;
}

void page_pool::refund(std::size_t bytes) noexcept {
  committed_.fetch_sub(bytes, std::memory_order_relaxed);  // relaxed: as in try_charge_own()
  if (options_.common_budget != nullptr) options_.common_budget->refund(bytes);
}

bool page_pool::charge(std::size_t bytes) noexcept {
  if (try_charge(bytes)) return true;
  if (bytes > most_bytes()) return false;
  make_room(bytes);
  return try_charge(bytes);
}

/// Under the pool's own limit from what it has idle, then under the common one from what any pool has.
void page_pool::make_room(std::size_t bytes) noexcept {
  std::size_t const most = max_bytes();
  std::size_t const over = committed_bytes() + bytes;
  if (over > most) reclaim(over - most);
  if (options_.common_budget != nullptr) options_.common_budget->make_room(bytes, this);
}

/// Makes room under the cap from what lies idle: the quarantine, blocks, then depots, then magazines of other threads.
std::size_t page_pool::reclaim(std::size_t wanted) noexcept {
  release_quarantine(wanted);
  std::size_t freed = release_idle_blocks();
  for (std::size_t c = classes; c-- > 0;) {
    while (freed < wanted) {
      index_chain chain = pages_.pop(c);
      if (chain.empty()) chain = pages_.steal(c);
      std::size_t const returned = return_pages(c, chain);
      if (returned == 0) break;
      freed += returned;
    }
  }
  return freed;
}

std::size_t page_pool::trim(bool magazines) noexcept {
  release_quarantine();
  std::size_t freed = release_idle_blocks();
  for (std::size_t c = 0; c < classes; ++c) {
    if (magazines) {
      for (auto chain = pages_.steal(c); !chain.empty(); chain = pages_.steal(c)) pages_.push(c, chain);
    }
    // Whole magazines go, from the top: those at the bottom are the ones that nobody needed for longest, but order
    // costs nothing here, since a page given back keeps no warmth wherever it lay.
    while (pages_.depot_items(c) > floor_pages(c)) {
      std::size_t const returned = return_pages(c, pages_.pop(c));
      if (returned == 0) break;
      freed += returned;
    }
  }
  return freed;
}

}  // namespace mayfly
