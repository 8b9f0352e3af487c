// The page budget: what is charged to it, how it moves, and what lies idle gives way to it.

#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/page_budget.hpp>
#include <mayfly/page_pool.hpp>

#include <algorithm>
#include <mutex>
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
  charge_.set_limit(checked_max_bytes(bytes, class_bytes(0)));
  return return_excess();
}

std::size_t page_pool::most_bytes() const noexcept {
  page_budget const* const common = options_.common_budget;
  return common == nullptr ? max_bytes() : std::min(max_bytes(), common->limit());
}

/// What is idle goes for as long as the pool holds more than its limit, or all pools more than their common one.
std::size_t page_pool::return_excess() noexcept {
  if (!over_limit()) return 0;
  std::size_t const committed = committed_bytes();
  std::size_t const most = max_bytes();
  std::size_t const freed = committed > most ? reclaim(committed - most) : 0;
  return freed + (options_.common_budget == nullptr ? 0 : options_.common_budget->make_room(0, this, false));
}

bool page_pool::has_room(std::size_t bytes) const noexcept {
  if (options_.common_budget != nullptr && !options_.common_budget->has_room(bytes)) return false;
  std::size_t const most = max_bytes();
  std::size_t const committed = committed_bytes();
  if (committed < most && most - committed >= bytes) return true;
  std::size_t const in_use = committed - std::min(committed, idle_seen_.get([this] { return idle_bytes(); }));
  return in_use <= most && most - in_use >= bytes;
}

/// As stats().idle_bytes(), without a lock.
std::size_t page_pool::idle_bytes() const noexcept {
  std::size_t idle = block_tally_.idle_bytes();
  for (std::size_t c = 0; c < classes; ++c) {
    idle += (std::size_t{pages_.cached_items(c)} + pages_.depot_items(c) + pages_.in_hand(c)) * class_bytes(c);
  }
  detail::page_quarantine const* const quarantined = quarantine();
  return quarantined == nullptr ? idle : idle + quarantined->stats().bytes;
}

bool page_pool::charge(std::size_t bytes) noexcept {
  if (charge_.try_charge(bytes)) return true;
  if (bytes > most_bytes()) return false;
  make_room(bytes);
  if (charge_.try_charge(bytes)) return true;
  make_room(bytes, /*waits=*/true);
  return charge_.try_charge(bytes);
}

/// Under the pool's own limit from what it has idle, then under the common one from what any pool has.
void page_pool::make_room(std::size_t bytes, bool waits) noexcept {
  std::size_t const most = max_bytes();
  std::size_t const over = committed_bytes() + bytes;
  if (over > most) reclaim(over - most, waits);
  if (options_.common_budget != nullptr) options_.common_budget->make_room(bytes, this, waits);
}

/// Makes room under the cap from what lies idle: the quarantine, blocks, then depots, then magazines of other threads.
/// What it takes may be in the hands of who sorts out what goes back; that is soon done, where it waits for it.
std::size_t page_pool::reclaim(std::size_t wanted, bool waits) noexcept {
  std::unique_lock none_in_hand{whole_spans_.in_hand(), std::defer_lock};
  if (waits) none_in_hand.lock();
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
    std::uint32_t const idle = pages_.depot_items(c);
    if (idle > floor_pages(c)) freed += return_whole_spans_first(c, idle, idle - floor_pages(c));
  }
  return freed;
}

}  // namespace mayfly
