#pragma once

#include <mayfly/detail/index_chain.hpp>
#include <mayfly/detail/mapping.hpp>
#include <mayfly/detail/thread_cache.hpp>
#include <mayfly/detail/thread_index.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace mayfly::detail {

/// Recycles items known by index (pages, registry slots) in two levels, after Bonwick and Adams, "Magazines and
/// Vmem" (USENIX 2001): every thread has two magazines per class, and a depot per class exchanges whole magazines. In
/// front of them lies one single item, so that a thread that gives and takes in turn touches no chain.
///
///     thread t:  class 0 [front] [loaded][previous]  ...     detail::thread_cache: two cache lines
///                                    |  ^ whole magazines
///                                    v  |
///     depot:     class 0 [chain]->[chain]->...               detail::chain_depot: one cache line a class
///
/// take() and give() are wait-free but for the depot, which is lock-free. The item's bytes travel with it: what the
/// giver wrote before give() is visible to the taker after take().
class recycler {
 public:
  static constexpr std::size_t max_classes = thread_cache::max_classes;
  static constexpr thread_index max_threads = 4096;  ///< threads beyond it share the depot, without magazines

  /// Items 0 .. capacity-1 in `classes` classes; `magazine_items[c]` is how many make a full magazine of class c.
  /// false in ready() where the kernel refused the tables.
  recycler(std::uint32_t capacity, std::size_t classes, std::array<std::uint32_t, max_classes> magazine_items) noexcept
      : links_{capacity}, caches_{max_threads}, magazine_items_{magazine_items}, classes_{classes} {}

  [[nodiscard]] bool ready() const noexcept { return links_ && caches_; }
  [[nodiscard]] index_links* links() const noexcept { return &links_[0]; }

  static constexpr std::uint32_t no_item = thread_cache::no_item;

  /// An item of class c from this thread's magazines, else a magazine from the depot, else no_item. (An optional would
  /// go through memory, in two stores and one load that has to wait for both: it was a quarter of this function.)
  [[nodiscard]] std::uint32_t take_index(std::size_t c) noexcept {
    thread_index const thread = this_thread_index();
    if (thread >= max_threads) [[unlikely]]
      return take_uncached(c);
    thread_cache& mine = caches_[thread];
    if (std::uint32_t const front = mine.claim_front(c); front != 0) [[likely]] {
      mine.count_taken(c);
      return front - 1;
    }
    return take_loaded(mine, c);
  }

  /// The item in front of this thread's magazines; no_item where there is none. Calls nothing, so that a caller with
  /// another way for all else saves no registers.
  [[nodiscard]] std::uint32_t take_front(std::size_t c) noexcept {
    thread_index const thread = assigned_thread_index;  // while it has none: more than max_threads
    if (thread >= max_threads) [[unlikely]]
      return no_item;
    thread_cache& mine = caches_[thread];
    std::uint32_t const front = mine.claim_front(c);
    if (front == 0) [[unlikely]]
      return no_item;
    mine.count_taken(c);
    return front - 1;
  }

  /// Puts an item in front of this thread's magazines, after `before()`; false, with nothing done, where that place is
  /// taken. Calls nothing else.
  template <typename Before>
  [[nodiscard]] bool try_give_front(std::size_t c, std::uint32_t index, Before&& before) noexcept {
    thread_index const thread = assigned_thread_index;
    if (thread >= max_threads) [[unlikely]]
      return false;
    thread_cache& mine = caches_[thread];
    if (!mine.front_is_free(c)) [[unlikely]]
      return false;
    before();
    return mine.try_give_front(c, index);  // true: A3, nobody else fills it
  }

  /// The same as an optional.
  [[nodiscard]] std::optional<std::uint32_t> take(std::size_t c) noexcept { return optional(take_index(c)); }

  /// Puts an item in front of this thread's magazines or into them. When both were full, the chain that had to make
  /// room is handed to the caller, who pushes it or disposes of it.
  [[nodiscard]] index_chain give(std::size_t c, std::uint32_t index) noexcept {
    thread_index const thread = this_thread_index();
    if (thread >= max_threads) [[unlikely]]
      return index_chain{}.with(links(), index);
    thread_cache& mine = caches_[thread];
    if (mine.try_give_front(c, index)) [[likely]]
      return {};
    return give_loaded(mine, c, index);
  }

  /// Puts a whole chain where every thread can reach it.
  void push(std::size_t c, index_chain chain) noexcept { depots_[c].push(links(), chain); }
  /// Takes a whole chain from the depot; empty when there is none.
  [[nodiscard]] index_chain pop(std::size_t c) noexcept {
    index_chain const chain = depots_[c].pop(links());
    note_least(c);
    return chain;
  }
  /// Takes what lies at the bottom of the depot, `items` or a magazine more: what nobody needed for longest. Not as
  /// pop() does: these are in hand, and count as if they still lay there, until set_in_hand() says how many are not put
  /// back yet. One thread at a time.
  [[nodiscard]] index_chain take_bottom(std::size_t c, std::uint32_t items) noexcept {
    set_in_hand(c, depot_items(c));  // it takes all, and puts back what lies above
    index_chain const taken = depots_[c].take_bottom(links(), items);
    set_in_hand(c, taken.count());
    return taken;
  }
  // Relaxed, both: a figure. What has been put back, or not been taken yet, may count twice for a moment.
  void set_in_hand(std::size_t c, std::uint32_t items) noexcept { in_hand_[c].store(items, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t in_hand(std::size_t c) const noexcept {
    return in_hand_[c].load(std::memory_order_relaxed);
  }
  /// Puts a chain of any length into the depot, in magazines, its end on top.
  void push_parts(std::size_t c, index_chain chain) noexcept;
  /// After take_bottom(), when nothing is in hand any more.
  void note_least(std::size_t c) noexcept {
    // Relaxed, not a minimum in one step: a figure, and one that is too high is mended by the next pop.
    std::uint32_t const left = depots_[c].items() + in_hand(c);
    if (left < least_items_[c].load(std::memory_order_relaxed)) [[unlikely]] {
      least_items_[c].store(left, std::memory_order_relaxed);
    }
  }

  /// An item that any thread can reach, for a caller whose take() found none: from the depot or else stolen.
  [[nodiscard]] std::optional<std::uint32_t> take_anywhere(std::size_t c) noexcept;

  /// Takes a front or magazine of class c from any thread, sleeping or not; empty when none has one.
  [[nodiscard]] index_chain steal(std::size_t c) noexcept;

  /// Takes what `thread` has of class c, one chain a call; empty when nothing is left.
  [[nodiscard]] index_chain drain(thread_index thread, std::size_t c) noexcept;

  /// Moves all that `thread` has to the depots. On that thread, or after its end.
  void flush(thread_index thread) noexcept;

  /// Counts as taken what the caller recycles in ways of its own, for a class beyond those here.
  void count_taken(std::size_t c) noexcept {
    thread_index const thread = assigned_thread_index;
    if (thread < max_threads) return caches_[thread].count_taken(c);
    refills_[c].fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  }

  /// The fewest items of class c that the depot has had since this was asked last: what nobody needed meanwhile.
  [[nodiscard]] std::uint32_t least_depot_items(std::size_t c) noexcept {
    // relaxed: a figure; one that a taker has not lowered yet is lowered at the next asking
    return std::min(least_items_[c].exchange(depot_items(c), std::memory_order_relaxed), depot_items(c));
  }
  /// Grows with each item of class c that this thread's cache serves or gets; a statistic.
  [[nodiscard]] std::uint64_t uses_by(thread_index thread, std::size_t c) const noexcept;
  /// Threads whose caches may hold something have an index below this one.
  [[nodiscard]] static thread_index cached_threads() noexcept { return walk_limit(); }
  [[nodiscard]] std::uint32_t depot_items(std::size_t c) const noexcept { return depots_[c].items(); }
  /// Adds what all threads' caches have of class c to the list; a snapshot.
  void list_cached(std::size_t c, std::vector<std::uint32_t>& items) const;
  /// The same for the depot.
  void list_depot(std::size_t c, std::vector<std::uint32_t>& items) const {
    depots_[c].list(links(), depot_items(c), items);
  }
  [[nodiscard]] std::uint32_t magazine_items(std::size_t c) const noexcept { return magazine_items_[c]; }
  [[nodiscard]] std::uint32_t cached_items(std::size_t c) const noexcept;  ///< in all threads' caches; a statistic
  [[nodiscard]] std::uint64_t taken_cached(std::size_t c) const noexcept;  ///< takes served by them, ever
  [[nodiscard]] std::uint64_t refills(std::size_t c) const noexcept {      ///< takes that went beyond them, ever
    return refills_[c].load(std::memory_order_relaxed);                    // relaxed: a statistic
  }

 private:
  [[nodiscard]] std::uint32_t take_loaded(thread_cache& mine, std::size_t c) noexcept;
  [[nodiscard]] index_chain give_loaded(thread_cache& mine, std::size_t c, std::uint32_t index) noexcept;
  [[nodiscard]] std::uint32_t take_uncached(std::size_t c) noexcept;
  [[nodiscard]] static std::optional<std::uint32_t> optional(std::uint32_t item) noexcept {
    return item == no_item ? std::nullopt : std::optional{item};
  }
  [[nodiscard]] static thread_index walk_limit() noexcept { return std::min(max_threads, thread_index_limit()); }

  mapped_array<index_links> links_;
  mapped_array<thread_cache> caches_;
  std::array<std::uint32_t, max_classes> magazine_items_;
  std::size_t classes_;
  std::array<chain_depot, max_classes> depots_{};
  std::array<std::atomic<std::uint64_t>, max_classes> refills_{};
  std::array<std::atomic<std::uint32_t>, max_classes> least_items_{};
  std::array<std::atomic<std::uint32_t>, max_classes> in_hand_{};
};

}  // namespace mayfly::detail
