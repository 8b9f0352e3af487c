// The working-set rule: what goes back to the system while the process runs, and when.

#include <mayfly/detail/mutant.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/schedule_point.hpp>

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
  if (surplus == 0) return 0;
  auto const gone = static_cast<std::uint32_t>(return_whole_spans_first(c, unneeded, surplus) / class_bytes(c));
  // They lay there in the epochs before, too, and are not to be counted again.
  if (MAYFLY_MUTANT("surplus-counted-twice")) return gone * class_bytes(c);
  for (std::uint32_t& idle : least) idle -= std::min(idle, gone);
  return gone * class_bytes(c);
}

/// Of the `candidates` pages that were not needed for longest `count` go, those of whole spans first; what the system
/// will not take stays. Meanwhile nobody else finds the candidates, nor, for a moment, what lies above them: who needs
/// one more than there is besides takes one from the system, and who would be refused one waits (reclaim()).
std::size_t page_pool::return_whole_spans_first(std::size_t c, std::uint32_t candidates, std::uint32_t count) noexcept {
  std::scoped_lock const lock{whole_spans_.in_hand()};
  detail::index_links* const links = pages_.links();
  detail::index_chain const in_hand = pages_.take_bottom(c, candidates);
  MAYFLY_SCHEDULE_POINT("pages-in-hand");
  detail::index_chain staying = whole_spans_.sort(links, in_hand);
  detail::index_chain going = staying.split(links, count);
  going = going.split(links, going.count());  // in order again
  pages_.push_parts(c, staying);
  pages_.set_in_hand(c, going.count());
  std::size_t freed = 0;
  std::uint32_t const step = static_cast<std::uint32_t>(class_bytes(c) >> unit_shift_);
  for (detail::index_chain left = going; !left.empty();) {
    std::uint32_t const first = left.head();
    std::uint32_t const span = first >> (span_shift - unit_shift_);
    detail::index_chain run;
    while (!left.empty() && left.head() == first + run.count() * step &&
           left.head() >> (span_shift - unit_shift_) == span) {
      std::uint32_t const index = left.head();
      left = left.tail(links);
      run = run.with(links, index);
    }
    std::size_t const bytes = run.count() * class_bytes(c);
    if (!give_back(page_address(first), bytes)) {
      pages_.push_parts(c, run);
      pages_.push_parts(c, left);
      pages_.set_in_hand(c, 0);
      break;
    }
    for (detail::index_chain rest = run; !rest.empty(); rest = rest.tail(links)) {
      whole_spans_.count_returned(rest.head());
    }
    if (!MAYFLY_MUTANT("returned-and-still-charged")) refund(bytes);
    returned_[c].push(links, run);
    pages_.set_in_hand(c, left.count());
    freed += bytes;
  }
  pages_.note_least(c);
  return freed;
}

std::size_t page_pool::release_unneeded_blocks() noexcept {
  std::uint64_t const taken = pages_.taken_cached(cached_blocks) + pages_.refills(cached_blocks);
  return blocks_seen_.see(taken) < options_.idle_epochs ? 0 : release_idle_blocks();
}

}  // namespace mayfly
