// The working-set rule: what goes back to the system while the process runs, and when.

#include <mayfly/page_pool.hpp>

#include <algorithm>
#include <mutex>
#include <span>

namespace mayfly {

std::size_t page_pool::end_epoch() noexcept {
  std::unique_lock const lock{epoch_mutex_, std::try_to_lock};
  if (!lock.owns_lock()) return 0;
  std::size_t freed = release_unneeded_blocks();
  for (std::size_t c = 0; c < classes; ++c) freed += return_surplus(c, take_from_idle_threads(c));
  ++epoch_;
  return freed + return_excess();
}

/// Owners that sleep never give back: what they hold goes where the rule can see it. Returns how many pages did.
std::uint32_t page_pool::take_from_idle_threads(std::size_t c) noexcept {
  std::uint32_t moved = 0;
  for (detail::thread_index thread = 0; thread < detail::recycler::cached_threads(); ++thread) {
    if (threads_seen_[thread][c].see(pages_.uses_by(thread, c)) < options_.idle_epochs) continue;
    for (auto chain = pages_.drain(thread, c); !chain.empty(); chain = pages_.drain(thread, c)) {
      std::uint32_t const pages = chain.count();
      if (keep_or_return(c, chain)) moved += pages;
    }
  }
  return moved;
}

/// The least that lay in the depot in each of the last epochs was needed in none of them, nor was what idle threads
/// had.
std::size_t page_pool::return_surplus(std::size_t c, std::uint32_t idle_with_threads) noexcept {
  std::span<std::uint32_t> const least = std::span{least_idle_[c]}.first(options_.idle_epochs);
  least[epoch_ % least.size()] = pages_.least_depot_items(c);
  for (std::uint32_t& idle : least) idle += idle_with_threads;
  if (epoch_ + 1 < least.size()) return 0;
  std::uint32_t const unneeded = std::ranges::min(least);
  std::uint32_t const surplus = unneeded - std::min(unneeded, floor_pages(c));
  std::uint32_t gone = 0;
  while (gone < surplus) {
    detail::index_chain rest = pages_.pop(c);
    detail::index_chain const going = rest.split(pages_.links(), surplus - gone);
    pages_.push(c, rest);
    auto const returned = static_cast<std::uint32_t>(return_pages(c, going) / class_bytes(c));
    if (returned == 0) break;
    gone += returned;
  }
  // They lay there in the epochs before, too, and are not to be counted again.
  if (MAYFLY_MUTANT("surplus-counted-twice")) return gone * class_bytes(c);
  for (std::uint32_t& idle : least) idle -= std::min(idle, gone);
  return gone * class_bytes(c);
}

std::size_t page_pool::release_unneeded_blocks() noexcept {
  std::uint64_t const taken = pages_.taken_cached(cached_blocks) + pages_.refills(cached_blocks);
  return blocks_seen_.see(taken) < options_.idle_epochs ? 0 : release_idle_blocks();
}

}  // namespace mayfly
