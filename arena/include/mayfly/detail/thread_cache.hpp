#pragma once

#include <mayfly/detail/atomics.hpp>
#include <mayfly/detail/index_chain.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/schedule_point.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace mayfly::detail {

/// One thread's recyclable items: of every class one item in front of two magazines. Used by that thread; emptied also
/// by stealers.
///
///     class 0 [front] [loaded][previous]    class 1 [front] [loaded][previous]    ...     two cache lines
///
/// A magazine is one 64-bit chain word. Its thread takes it with an exchange against "empty", works on it as sole
/// owner, and stores it back; so may any other thread that finds it lying there (drain). Nobody but the thread itself
/// stores a non-empty word (A3), hence the store needs no compare, and a front or magazine that its thread reads as
/// empty is empty: giving to an empty front costs a store, taking from it an exchange.
///
/// Wait-free. Zero bytes: empty.
template <typename Policy>
struct alignas(64) basic_thread_cache {
  template <typename T>
  using atomic = typename Policy::template atomic<T>;
  using links = basic_index_links<Policy>;

  static constexpr std::size_t max_classes = 4;
  static constexpr std::uint32_t no_item = std::numeric_limits<std::uint32_t>::max();

  std::array<atomic<std::uint32_t>, max_classes> front;  ///< index + 1 of one item, 0: none
  std::array<atomic<std::uint64_t>, max_classes> loaded;
  alignas(64) std::array<atomic<std::uint64_t>, max_classes> previous;
  std::array<atomic<std::uint64_t>, max_classes> taken;  ///< a statistic; written by that thread alone

  /// The item in front; 0: none, else its index + 1. On any thread.
  [[nodiscard]] std::uint32_t claim_front(std::size_t c) noexcept {
    // Relaxed peek: on its own thread an empty front is empty (A3); to a stealer it is a hint.
    if (front[c].load(std::memory_order_relaxed) == 0) return 0;
    MAYFLY_SCHEDULE_POINT("front-claim");
    // sync front: acquire; pairs with try_give_front(); reads the item's bytes
    return front[c].exchange(0, std::memory_order_acquire);
  }

  /// Whether try_give_front() would. On its own thread. Relaxed: A3, only this thread could have filled it.
  [[nodiscard]] bool front_is_free(std::size_t c) const noexcept {
    return front[c].load(std::memory_order_relaxed) == 0;
  }

  /// false where there is one already. On its own thread.
  [[nodiscard]] bool try_give_front(std::size_t c, std::uint32_t index) noexcept {
    // Relaxed: A3, only this thread could have filled it.
    if (front[c].load(std::memory_order_relaxed) != 0) return false;
    MAYFLY_SCHEDULE_POINT("front-deposit");
    // sync front: release; pairs with claim_front(); publishes the item's bytes
    front[c].store(index + 1, std::memory_order_release);
    return true;
  }

  /// An item from the magazines; no_item where they are empty. On its own thread.
  [[nodiscard]] std::uint32_t take_loaded(links* all, std::size_t c) noexcept {
    index_chain chain = claim(loaded[c]);
    if (chain.empty()) chain = claim(previous[c]);
    return chain.empty() ? no_item : refill(all, c, chain);
  }

  /// The first item of a chain that is the caller's; the rest becomes the loaded magazine, which is empty. On its own
  /// thread.
  std::uint32_t refill(links* all, std::size_t c, index_chain chain) noexcept {
    deposit(loaded[c], chain.tail(all));
    return chain.head();
  }

  /// Puts an item into the magazines. When both were full (of `magazine_items` each), the chain that had to make room
  /// is the caller's. On its own thread.
  [[nodiscard]] index_chain give_loaded(links* all, std::size_t c, std::uint32_t index,
                                        std::uint32_t magazine_items) noexcept {
    index_chain const chain = claim(loaded[c]);
    if (chain.count() < magazine_items) {
      deposit(loaded[c], chain.with(all, index));
      return {};
    }
    index_chain const displaced = claim(previous[c]);
    deposit(previous[c], chain);
    deposit(loaded[c], index_chain{}.with(all, index));
    return displaced;
  }

  /// What there is of class c, one chain a call; empty when nothing is left. On any thread.
  [[nodiscard]] index_chain drain(links* all, std::size_t c) noexcept {
    for (auto* magazine : {&previous[c], &loaded[c]}) {
      // Relaxed peek: an exchange on every thread's line would take the line away from threads that have nothing.
      if (magazine->load(std::memory_order_relaxed) == 0) continue;
      if (index_chain const chain = claim(*magazine); !chain.empty()) return chain;
    }
    std::uint32_t const item = claim_front(c);
    return item == 0 ? index_chain{} : index_chain{}.with(all, item - 1);
  }

  /// Counts an item that was taken from here. On its own thread.
  void count_taken(std::size_t c) noexcept {
    // Relaxed load and store, not fetch_add: this thread is the only writer, readers want no more than a statistic.
    taken[c].store(taken[c].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  /// Adds the items of class c to the list: exact while the thread neither takes nor gives, a guess otherwise.
  void list(links const* all, std::size_t c, std::vector<std::uint32_t>& items) const {
    // Relaxed: a figure; nothing of the item is read.
    if (std::uint32_t const item = front[c].load(std::memory_order_relaxed); item != 0) items.push_back(item - 1);
    for (auto const* magazine : {&loaded[c], &previous[c]}) {
      // sync magazine: acquire; pairs with deposit(); reads the chain's links
      index_chain::from_word(magazine->load(std::memory_order_acquire)).list(all, items);
    }
  }

  /// How many items of class c there are; a statistic.
  [[nodiscard]] std::uint32_t items(std::size_t c) const noexcept {
    auto items = static_cast<std::uint32_t>(front[c].load(std::memory_order_relaxed) != 0);  // relaxed: a statistic
    for (auto const* magazine : {&loaded[c], &previous[c]}) {
      items += index_chain::from_word(magazine->load(std::memory_order_relaxed)).count();  // relaxed: a statistic
    }
    return items;
  }

 private:
  static index_chain claim(atomic<std::uint64_t>& magazine) noexcept {
    MAYFLY_SCHEDULE_POINT("magazine-claim");
    if (MAYFLY_MUTANT("page-given-twice")) return index_chain::from_word(magazine.load(std::memory_order_acquire));
    // sync magazine: acquire; pairs with deposit(); reads the chain's links and its items' bytes
    return index_chain::from_word(magazine.exchange(0, std::memory_order_acquire));
  }

  static void deposit(atomic<std::uint64_t>& magazine, index_chain chain) noexcept {
    MAYFLY_SCHEDULE_POINT("magazine-deposit");
    // sync magazine: release; pairs with claim(); publishes the chain's links and its items' bytes
    magazine.store(chain.word(), std::memory_order_release);
  }
};
using thread_cache = basic_thread_cache<native_atomics>;
static_assert(sizeof(thread_cache) == 128);

}  // namespace mayfly::detail
