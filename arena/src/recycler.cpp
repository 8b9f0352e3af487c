#include <mayfly/detail/recycler.hpp>

namespace mayfly::detail {

std::uint32_t recycler::take_loaded(cache& mine, std::size_t c) noexcept {
  index_chain const chain = claim(mine.loaded[c]);
  if (chain.empty()) return refill(mine, c);
  deposit(mine.loaded[c], chain.tail(links()));
  count(mine.taken[c]);
  return chain.head();
}

index_chain recycler::give_loaded(cache& mine, std::size_t c, std::uint32_t index) noexcept {
  index_chain const chain = claim(mine.loaded[c]);
  if (chain.count() < magazine_items_[c]) {
    deposit(mine.loaded[c], chain.with(links(), index));
    return {};
  }
  index_chain const displaced = claim(mine.previous[c]);
  deposit(mine.previous[c], chain);
  deposit(mine.loaded[c], index_chain{}.with(links(), index));
  return displaced;
}

std::uint32_t recycler::refill(cache& mine, std::size_t c) noexcept {
  index_chain chain = claim(mine.previous[c]);
  if (!chain.empty()) {
    count(mine.taken[c]);
  } else {
    chain = pop(c);
    if (chain.empty()) return no_item;
    refills_[c].fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  }
  deposit(mine.loaded[c], chain.tail(links()));
  return chain.head();
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
  if (thread >= max_threads) return {};
  cache& its = caches_[thread];
  for (auto* magazine : {&its.previous[c], &its.loaded[c]}) {
    // Relaxed peek: an exchange on every thread's line would take the line away from threads that have nothing.
    if (magazine->load(std::memory_order_relaxed) == 0) continue;
    if (index_chain const chain = claim(*magazine); !chain.empty()) return chain;
  }
  std::uint32_t const front = claim_front(its.front[c]);
  return front == 0 ? index_chain{} : index_chain{}.with(links(), front - 1);
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

std::uint32_t recycler::cached_items(std::size_t c) const noexcept {
  std::uint32_t items = 0;
  for (thread_index thread = 0; thread < walk_limit(); ++thread) {
    cache const& its = caches_[thread];
    // Relaxed: a statistic.
    items += static_cast<std::uint32_t>(its.front[c].load(std::memory_order_relaxed) != 0);
    for (auto const* magazine : {&its.loaded[c], &its.previous[c]}) {
      items += index_chain::from_word(magazine->load(std::memory_order_relaxed)).count();
    }
  }
  return items;
}

std::uint64_t recycler::taken_cached(std::size_t c) const noexcept {
  std::uint64_t taken = 0;
  for (thread_index thread = 0; thread < walk_limit(); ++thread) {
    taken += caches_[thread].taken[c].load(std::memory_order_relaxed);  // relaxed: a statistic
  }
  return taken;
}

}  // namespace mayfly::detail
