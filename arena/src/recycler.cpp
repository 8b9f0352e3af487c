#include <mayfly/detail/recycler.hpp>

namespace mayfly::detail {

std::uint32_t recycler::take_loaded(thread_cache& mine, std::size_t c) noexcept {
  if (std::uint32_t const item = mine.take_loaded(links(), c); item != no_item) {
    mine.count_taken(c);
    return item;
  }
  index_chain const chain = pop(c);
  if (chain.empty()) return no_item;
  refills_[c].fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  return mine.refill(links(), c, chain);
}

index_chain recycler::give_loaded(thread_cache& mine, std::size_t c, std::uint32_t index) noexcept {
  return mine.give_loaded(links(), c, index, magazine_items_[c]);
}

std::uint32_t recycler::take_uncached(std::size_t c) noexcept {
  index_chain const chain = pop(c);
  if (chain.empty()) return no_item;
  refills_[c].fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  push(c, chain.tail(links()));
  return chain.head();
}

std::optional<std::uint32_t> recycler::take_anywhere(std::size_t c) noexcept {
  index_chain chain = pop(c);
  if (chain.empty()) chain = steal(c);
  if (chain.empty()) return std::nullopt;
  refills_[c].fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  push(c, chain.tail(links()));
  return chain.head();
}

index_chain recycler::drain(thread_index thread, std::size_t c) noexcept {
  return thread < max_threads ? caches_[thread].drain(links(), c) : index_chain{};
}

void recycler::push_parts(std::size_t c, index_chain chain) noexcept {
  while (!chain.empty()) depots_[c].push(links(), chain.split(links(), magazine_items_[c]));
}

index_chain recycler::steal(std::size_t c) noexcept {
  for (thread_index thread = 0; thread < walk_limit(); ++thread) {
    if (index_chain const chain = drain(thread, c); !chain.empty()) return chain;
  }
  return {};
}

void recycler::flush(thread_index thread) noexcept {
  for (std::size_t c = 0; c < classes_; ++c) {
    for (auto chain = drain(thread, c); !chain.empty(); chain = drain(thread, c)) push(c, chain);
  }
}

void recycler::list_cached(std::size_t c, std::vector<std::uint32_t>& items) const {
  for (thread_index thread = 0; thread < walk_limit(); ++thread) caches_[thread].list(links(), c, items);
}

std::uint32_t recycler::cached_items(std::size_t c) const noexcept {
  std::uint32_t items = 0;
  for (thread_index thread = 0; thread < walk_limit(); ++thread) items += caches_[thread].items(c);
  return items;
}

std::uint64_t recycler::uses_by(thread_index thread, std::size_t c) const noexcept {
  // Whoever takes one has one less: both ways the sum grows by one. relaxed: a figure
  return 2 * caches_[thread].taken[c].load(std::memory_order_relaxed) + caches_[thread].items(c);
}

std::uint64_t recycler::taken_cached(std::size_t c) const noexcept {
  std::uint64_t taken = 0;
  for (thread_index thread = 0; thread < walk_limit(); ++thread) {
    taken += caches_[thread].taken[c].load(std::memory_order_relaxed);  // relaxed: a statistic
  }
  return taken;
}

}  // namespace mayfly::detail
