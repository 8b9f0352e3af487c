#include <mayfly/detail/whole_spans.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace mayfly::detail {

// Relaxed, all links: the chains are the caller's.

index_chain whole_spans::sort(index_links* links, index_chain chain) noexcept {
  for (index_chain rest = chain; !rest.empty(); rest = rest.tail(links)) ++idle_[rest.head() >> shift_];
  // Pile i is sorted, and empty or of 2^i pages.
  std::array<index_chain, 32> piles{};
  for (index_chain rest = chain; !rest.empty();) {
    index_chain carried{rest.head(), 1};
    rest = rest.tail(links);
    std::size_t i = 0;
    for (; !piles[i].empty(); ++i) carried = merge(links, std::exchange(piles[i], {}), carried);
    piles[i] = carried;
  }
  index_chain sorted;
  for (index_chain const& pile : piles) sorted = merge(links, pile, sorted);
  for (index_chain rest = sorted; !rest.empty(); rest = rest.tail(links)) idle_[rest.head() >> shift_] = 0;
  return sorted;
}

index_chain whole_spans::merge(index_links* links, index_chain one, index_chain other) const noexcept {
  if (one.empty() || other.empty()) return one.empty() ? other : one;
  std::uint32_t const count = one.count() + other.count();
  if (goes_before(other.head(), one.head())) std::swap(one, other);
  std::uint32_t const first = one.head();
  for (;;) {
    std::uint32_t const last = one.head();
    one = one.tail(links);
    if (one.empty() || goes_before(other.head(), one.head())) {
      links[last].next.store(other.head(), std::memory_order_relaxed);
      if (one.empty()) return {first, count};
      std::swap(one, other);
    }
  }
}

}  // namespace mayfly::detail
