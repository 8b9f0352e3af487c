#pragma once

#include <mayfly/detail/index_chain.hpp>
#include <mayfly/detail/mapping.hpp>
#include <mayfly/detail/thread_index.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

namespace mayfly::detail {

/// Recycles items known by index (pages, registry slots) in two levels, after Bonwick and Adams, "Magazines and
/// Vmem" (USENIX 2001): every thread has two magazines per class, and a depot per class exchanges whole magazines. In
/// front of them lies one single item, so that a thread that gives and takes in turn touches no chain.
///
///     thread t:  class 0 [front] [loaded][previous]  class 1 [front] [loaded][previous]  ...     two cache lines
///                                    |  ^ whole magazines
///                                    v  |
///     depot:     class 0 [chain]->[chain]->...                                         one cache line a class
///
/// A magazine is one 64-bit chain word. Its thread takes it with an exchange against "empty", works on it as sole
/// owner, and stores it back; so may any other thread that finds it lying there (steal). Nobody but the thread
/// itself stores a non-empty word (A3), hence the store needs no compare, and a front or magazine that its thread reads
/// as empty is empty: giving to an empty front costs a store, taking from it an exchange.
///
/// take() and give() are wait-free but for the depot, which is lock-free. The item's bytes travel with it: what the
/// giver wrote before give() is visible to the taker after take().
class recycler {
 public:
  static constexpr std::size_t max_classes = 4;
  static constexpr thread_index max_threads = 4096;  ///< threads beyond it share the depot, without magazines

  /// Items 0 .. capacity-1 in `classes` classes; `magazine_items[c]` is how many make a full magazine of class c.
  /// false in ready() where the kernel refused the tables.
  recycler(std::uint32_t capacity, std::size_t classes, std::array<std::uint32_t, max_classes> magazine_items) noexcept
      : links_{capacity}, caches_{max_threads}, magazine_items_{magazine_items}, classes_{classes} {}

  [[nodiscard]] bool ready() const noexcept { return links_ && caches_; }
  [[nodiscard]] index_links* links() const noexcept { return &links_[0]; }

  static constexpr std::uint32_t no_item = std::numeric_limits<std::uint32_t>::max();

  /// An item of class c from this thread's magazines, else a magazine from the depot, else no_item. (An optional would
  /// go through memory, in two stores and one load that has to wait for both: it was a quarter of this function.)
  [[nodiscard]] std::uint32_t take_index(std::size_t c) noexcept {
    thread_index const thread = this_thread_index();
    if (thread >= max_threads) [[unlikely]]
      return take_uncached(c);
    cache& mine = caches_[thread];
    if (std::uint32_t const front = claim_front(mine.front[c]); front != 0) [[likely]] {
      count(mine.taken[c]);
      return front - 1;
    }
    return take_loaded(mine, c);
  }

  /// The same as an optional.
  [[nodiscard]] std::optional<std::uint32_t> take(std::size_t c) noexcept { return optional(take_index(c)); }

  /// Puts an item in front of this thread's magazines or into them. When both were full, the chain that had to make
  /// room is handed to the caller, who pushes it or disposes of it.
  [[nodiscard]] index_chain give(std::size_t c, std::uint32_t index) noexcept {
    thread_index const thread = this_thread_index();
    if (thread >= max_threads) [[unlikely]]
      return index_chain{}.with(links(), index);
    cache& mine = caches_[thread];
    // Relaxed: A3, only this thread could have filled it.
    if (mine.front[c].load(std::memory_order_relaxed) == 0) [[likely]] {
      MAYFLY_SCHEDULE_POINT("front-deposit");
      // sync front: release; pairs with claim_front(); publishes the item's bytes
      mine.front[c].store(index + 1, std::memory_order_release);
      return {};
    }
    return give_loaded(mine, c, index);
  }

  /// Puts a whole chain where every thread can reach it.
  void push(std::size_t c, index_chain chain) noexcept { depots_[c].push(links(), chain); }
  /// Takes a whole chain from the depot; empty when there is none.
  [[nodiscard]] index_chain pop(std::size_t c) noexcept { return depots_[c].pop(links()); }

  /// An item that any thread can reach, for a caller whose take() found none: from the depot or else stolen.
  [[nodiscard]] std::optional<std::uint32_t> take_anywhere(std::size_t c) noexcept;

  /// Takes a front or magazine of class c from any thread, sleeping or not; empty when none has one.
  [[nodiscard]] index_chain steal(std::size_t c) noexcept;

  /// Takes what `thread` has of class c, one chain a call; empty when nothing is left.
  [[nodiscard]] index_chain drain(thread_index thread, std::size_t c) noexcept;

  /// Moves all that `thread` has to the depots. On that thread, or after its end.
  void flush(thread_index thread) noexcept;

  [[nodiscard]] std::uint32_t depot_items(std::size_t c) const noexcept { return depots_[c].items(); }
  [[nodiscard]] std::uint32_t magazine_items(std::size_t c) const noexcept { return magazine_items_[c]; }
  [[nodiscard]] std::uint32_t cached_items(std::size_t c) const noexcept;  ///< in all threads' caches; a statistic
  [[nodiscard]] std::uint64_t taken_cached(std::size_t c) const noexcept;  ///< takes served by them, ever
  [[nodiscard]] std::uint64_t refills(std::size_t c) const noexcept {      ///< takes that went beyond them, ever
    return refills_[c].load(std::memory_order_relaxed);                    // relaxed: a statistic
  }

 private:
  /// One thread's items; written by that thread, emptied by stealers. Zero bytes: empty.
  struct alignas(64) cache {
    std::atomic<std::uint32_t> front[max_classes];  // index + 1 of one item, 0: none
    std::atomic<std::uint64_t> loaded[max_classes];
    alignas(64) std::atomic<std::uint64_t> previous[max_classes];
    std::atomic<std::uint64_t> taken[max_classes];  // a statistic; written by that thread alone
  };
  static_assert(sizeof(cache) == 128);

  static std::uint32_t claim_front(std::atomic<std::uint32_t>& front) noexcept {
    // Relaxed peek: on its own thread an empty front is empty (A3); to a stealer it is a hint.
    if (front.load(std::memory_order_relaxed) == 0) return 0;
    MAYFLY_SCHEDULE_POINT("front-claim");
    // sync front: acquire; pairs with give(); reads the item's bytes
    return front.exchange(0, std::memory_order_acquire);
  }

  static index_chain claim(std::atomic<std::uint64_t>& magazine) noexcept {
    MAYFLY_SCHEDULE_POINT("magazine-claim");
    // sync magazine: acquire; pairs with deposit(); reads the chain's links and its items' bytes
    return index_chain::from_word(magazine.exchange(0, std::memory_order_acquire));
  }

  static void deposit(std::atomic<std::uint64_t>& magazine, index_chain chain) noexcept {
    MAYFLY_SCHEDULE_POINT("magazine-deposit");
    // sync magazine: release; pairs with claim(); publishes the chain's links and its items' bytes
    magazine.store(chain.word(), std::memory_order_release);
  }

  static void count(std::atomic<std::uint64_t>& counter) noexcept {
    // Relaxed load and store, not fetch_add: this thread is the only writer, readers want no more than a statistic.
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint32_t take_loaded(cache& mine, std::size_t c) noexcept;
  [[nodiscard]] std::uint32_t refill(cache& mine, std::size_t c) noexcept;
  [[nodiscard]] index_chain give_loaded(cache& mine, std::size_t c, std::uint32_t index) noexcept;
  [[nodiscard]] std::uint32_t take_uncached(std::size_t c) noexcept;
  [[nodiscard]] static std::optional<std::uint32_t> optional(std::uint32_t item) noexcept {
    return item == no_item ? std::nullopt : std::optional{item};
  }
  [[nodiscard]] static thread_index walk_limit() noexcept { return std::min(max_threads, thread_index_limit()); }

  mapped_array<index_links> links_;
  mapped_array<cache> caches_;
  std::array<std::uint32_t, max_classes> magazine_items_;
  std::size_t classes_;
  std::array<chain_depot, max_classes> depots_{};
  std::array<std::atomic<std::uint64_t>, max_classes> refills_{};
};

}  // namespace mayfly::detail
