#pragma once

#include <mayfly/detail/atomics.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/schedule_point.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace mayfly::detail {

/// Links of one recyclable item (a page, a registry slot), kept outside the item and never unmapped while its owner
/// lives: a lock-free pop may read the links of an item that somebody else has just taken.
template <typename Policy>
struct basic_index_links {
  template <typename T>
  using atomic = typename Policy::template atomic<T>;

  atomic<std::uint32_t> next;        ///< the item behind this one in its chain; written by the chain's owner
  atomic<std::uint32_t> next_chain;  ///< the chain below this one in a depot; written by the pusher
  atomic<std::uint32_t> count;       ///< items in the chain that starts here; written by the pusher
};
using index_links = basic_index_links<native_atomics>;

/// A chain of items, owned by whoever holds this word (A1). An empty chain is the word 0.
///
///     63            32 31             0
///     [ head index    |  item count   ]
class index_chain {
 public:
  constexpr index_chain() noexcept = default;
  constexpr index_chain(std::uint32_t head, std::uint32_t count) noexcept
      : word_{count == 0 ? 0 : std::uint64_t{head} << 32U | count} {}
  [[nodiscard]] static constexpr index_chain from_word(std::uint64_t word) noexcept {
    index_chain chain;
    chain.word_ = word;
    return chain;
  }

  [[nodiscard]] constexpr std::uint64_t word() const noexcept { return word_; }
  [[nodiscard]] constexpr std::uint32_t head() const noexcept { return static_cast<std::uint32_t>(word_ >> 32U); }
  [[nodiscard]] constexpr std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(word_); }
  [[nodiscard]] constexpr bool empty() const noexcept { return word_ == 0; }

  /// The chain without its head. Relaxed: whoever handed us the chain has published its links.
  template <typename Links>
  [[nodiscard]] index_chain tail(Links const* links) const noexcept {
    return {links[head()].next.load(std::memory_order_relaxed), count() - 1};
  }

  /// The chain with `index` as its new head. Relaxed: published with the chain word, not by itself.
  template <typename Links>
  [[nodiscard]] index_chain with(Links* links, std::uint32_t index) const noexcept {
    links[index].next.store(head(), std::memory_order_relaxed);
    return {index, count() + 1};
  }

  /// Takes the first `most` items off, in reverse order; what is left stays here. By whoever holds the chain.
  template <typename Links>
  [[nodiscard]] index_chain split(Links* links, std::uint32_t most) noexcept {
    index_chain taken;
    index_chain rest = *this;
    while (!rest.empty() && taken.count() < most) {
      std::uint32_t const index = rest.head();
      rest = rest.tail(links);
      taken = taken.with(links, index);
    }
    if (!MAYFLY_MUTANT("split-keeps-what-it-gives")) *this = rest;
    return taken;
  }

  /// Adds the chain's items to the list, for somebody who does not hold it. Relaxed: a figure; what is read while the
  /// holder works on the chain are items of other chains, or of none.
  template <typename Links>
  void list(Links const* links, std::vector<std::uint32_t>& items) const {
    std::uint32_t item = head();
    for (std::uint32_t left = count(); left != 0; --left) {
      items.push_back(item);
      item = links[item].next.load(std::memory_order_relaxed);
    }
  }

 private:
  std::uint64_t word_ = 0;
};

/// A lock-free stack of chains: one compare-and-swap moves a whole magazine.
///
/// Progress: lock-free (a failed exchange means that another thread's succeeded). ABA: the head word carries a
/// 32-bit tag that every success changes, so a stalled thread is fooled only if exactly a multiple of 2^32 successes
/// happen between its load and its exchange. (Boost.Lockfree 1.81 has 16 tag bits; 65,536 take under a millisecond.)
///
///     63            32 31               0
///     [ tag           |  head index + 1 ]     0 below the tag: empty
///
/// Counted: items() tells how many items there are, for one more locked instruction a call.
template <typename Policy, bool Counted = true>
class alignas(64) basic_chain_depot {
 public:
  template <typename T>
  using atomic = typename Policy::template atomic<T>;
  using index_links = basic_index_links<Policy>;

  /// Puts `chain` on top. The pusher's writes to the items are visible to whoever pops the chain.
  void push(index_links* links, index_chain chain) noexcept {
    if (chain.empty()) return;
    // Relaxed: a statistic. Counted before the chain can be popped, so that the count never falls below zero.
    if constexpr (Counted) items_.fetch_add(chain.count(), std::memory_order_relaxed);
    index_links& top = links[chain.head()];
    top.count.store(chain.count(), std::memory_order_relaxed);   // relaxed: published by the exchange below
    std::uint64_t head = head_.load(std::memory_order_relaxed);  // relaxed: only its value is used, nothing behind it
    do {
      MAYFLY_SCHEDULE_POINT("depot-push");
      top.next_chain.store(index_part(head), std::memory_order_relaxed);  // relaxed: published by the exchange
      // sync depot: release; pairs with pop(); publishes the chain's links and its items' bytes
    } while (!head_.compare_exchange_weak(
        head, replaced(head, chain.head() + 1),
        MAYFLY_MUTANT("relaxed-publish") ? std::memory_order_relaxed : std::memory_order_release,
        std::memory_order_relaxed));
  }

  /// Takes the chain on top; empty when there is none.
  [[nodiscard]] index_chain pop(index_links* links) noexcept {
    // sync depot: acquire; pairs with push(); reads the chain's links and its items' bytes
    std::uint64_t head = head_.load(std::memory_order_acquire);
    while (index_part(head) != 0) {
      std::uint32_t const index = index_part(head) - 1;
      // Relaxed, and perhaps already stale: then the tag has moved on and the exchange fails.
      std::uint32_t const below = links[index].next_chain.load(std::memory_order_relaxed);
      MAYFLY_SCHEDULE_POINT("depot-pop");
      // sync depot: acquire on both outcomes, as above. Older pushes stay visible to later pops: every exchange here is
      // a read-modify-write, so it continues their release sequences.
      if (head_.compare_exchange_weak(head, replaced(head, below), std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        index_chain const chain{index, links[index].count.load(std::memory_order_relaxed)};
        if constexpr (Counted) items_.fetch_sub(chain.count(), std::memory_order_relaxed);  // relaxed: a statistic
        return chain;
      }
    }
    return {};
  }

  /// Takes what was pushed first: `items`, and what else the topmost of their chains has, in any order. The chains
  /// above are popped too, kept linked as they lay, and put back.
  [[nodiscard]] index_chain take_bottom(index_links* links, std::uint32_t items) noexcept
    requires Counted
  {
    std::uint32_t const all = this->items();
    std::uint32_t const above = all - std::min(all, items);
    std::uint32_t kept = 0;
    std::uint32_t pile = 0;  // index + 1 of the chain put aside last
    index_chain bottom;
    while (kept + bottom.count() < all) {
      index_chain chain = pop(links);
      if (chain.empty()) break;  // others took some
      if (bottom.empty() && kept + chain.count() <= above) {
        kept += chain.count();
        // Relaxed: the chain is ours. Its count stays where its pusher wrote it.
        links[chain.head()].next_chain.store(pile, std::memory_order_relaxed);
        pile = chain.head() + 1;
        continue;
      }
      while (!chain.empty()) {
        std::uint32_t const item = chain.head();
        chain = chain.tail(links);
        bottom = bottom.with(links, item);
      }
    }
    while (pile != 0) {
      index_chain const chain{pile - 1, links[pile - 1].count.load(std::memory_order_relaxed)};
      pile = links[pile - 1].next_chain.load(std::memory_order_relaxed);
      push(links, chain);
    }
    return bottom;
  }

  /// Adds what is in here to the list: exact when nobody pushes or pops, otherwise some that have gone too, and not
  /// all; `most` at most, as chains that move meanwhile could lead in a circle.
  void list(index_links const* links, std::uint32_t most, std::vector<std::uint32_t>& items) const {
    // sync depot: acquire; pairs with push(); reads the chains' links
    std::uint32_t top = index_part(head_.load(std::memory_order_acquire));
    for (std::size_t const end = items.size() + most; top != 0 && items.size() < end;) {
      // Relaxed, both: perhaps already stale, as in pop(); then items are filed wrongly.
      index_chain{top - 1, links[top - 1].count.load(std::memory_order_relaxed)}.list(links, items);
      top = links[top - 1].next_chain.load(std::memory_order_relaxed);
    }
  }

  /// Items in here, as a statistic: exact when nobody pushes or pops, otherwise never too low.
  [[nodiscard]] std::uint32_t items() const noexcept
    requires Counted
  {
    return items_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t index_part(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }
  static std::uint64_t replaced(std::uint64_t old, std::uint32_t index_plus_one) noexcept {
    std::uint64_t const tag = (old >> 32U) + 1;
    return (MAYFLY_MUTANT("two-bit-tag") ? tag % 4 : tag) << 32U | index_plus_one;
  }

  atomic<std::uint64_t> head_{0};
  atomic<std::uint32_t> items_{0};
};
using chain_depot = basic_chain_depot<native_atomics>;
using uncounted_depot = basic_chain_depot<native_atomics, false>;

}  // namespace mayfly::detail
