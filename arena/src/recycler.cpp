#include <mayfly/detail/recycler.hpp>

namespace mayfly::detail {

std::optional<std::uint32_t> recycler::refill(cache& mine, std::size_t c) noexcept {
  index_chain chain = claim(mine.previous[c]);
  if (!chain.empty()) {
    count(mine.taken[c]);
  } else {
    chain = pop(c);
    if (chain.empty()) return std::nullopt;
    refills_[c].fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  }
  deposit(mine.loaded[c], chain.tail(links()));
  return chain.head();
}

std::optional<std::uint32_t> recycler::take_uncached(std::size_t c) noexcept {
  index_chain const chain = pop(c);
  if (chain.empty()) return std::nullopt;
  refills_[c].fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  push(c, chain.tail(links()));
  return chain.head();
}

index_chain recycler::steal(std::size_t c) noexcept {
  for (thread_index thread = 0; thread < walk_limit(); ++thread) {
    for (auto* magazine : {&caches_[thread].previous[c], &caches_[thread].loaded[c]}) {
      // Relaxed peek: an exchange on every thread's line would take the line away from threads that have nothing.
      if (magazine->load(std::memory_order_relaxed) == 0) continue;
      if (index_chain const chain = claim(*magazine); !chain.empty()) return chain;
    }
  }
  return {};
}

void recycler::flush(thread_index thread) noexcept {
  if (thread >= max_threads) return;
  for (std::size_t c = 0; c < classes_; ++c) {
    push(c, claim(caches_[thread].loaded[c]));
    push(c, claim(caches_[thread].previous[c]));
  }
}

std::uint32_t recycler::cached_items(std::size_t c) const noexcept {
  std::uint32_t items = 0;
  for (thread_index thread = 0; thread < walk_limit(); ++thread) {
    for (auto const* magazine : {&caches_[thread].loaded[c], &caches_[thread].previous[c]}) {
      items += index_chain::from_word(magazine->load(std::memory_order_relaxed)).count();  // relaxed: a statistic
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
