#pragma once

#include <mayfly/detail/index_chain.hpp>
#include <mayfly/detail/mapping.hpp>
#include <mayfly/detail/thread_index.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

namespace mayfly::detail {

/// Recycles items known by index (pages, registry slots) in two levels, after Bonwick and Adams, "Magazines and
/// Vmem" (USENIX 2001): every thread has two magazines per class, and a depot per class exchanges whole magazines.
///
///     thread t:  class 0 [loaded][previous]  class 1 [loaded][previous]  ...      one cache line a thread
///                    |  ^ whole magazines
///                    v  |
///     depot:     class 0 [chain]->[chain]->...                                    one cache line a class
///
/// A magazine is one 64-bit chain word. Its thread takes it with an exchange against "empty", works on it as sole
/// owner, and stores it back; so may any other thread that finds it lying there (steal). Nobody but the thread
/// itself stores a non-empty word, hence the store needs no compare.
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

  /// An item of class c from this thread's magazines, else a magazine from the depot, else nothing.
  [[nodiscard]] std::optional<std::uint32_t> take(std::size_t c) noexcept {
    thread_index const thread = this_thread_index();
    if (thread >= max_threads) [[unlikely]]
      return take_uncached(c);
    cache& mine = caches_[thread];
    index_chain const chain = claim(mine.loaded[c]);
    if (chain.empty()) [[unlikely]]
      return refill(mine, c);
    deposit(mine.loaded[c], chain.tail(links()));
    count(mine.taken[c]);
    return chain.head();
  }

  /// Puts an item into this thread's magazine. When both magazines were full, the chain that had to make room is
  /// handed to the caller, who pushes it with surplus() or disposes of it.
  [[nodiscard]] index_chain give(std::size_t c, std::uint32_t index) noexcept {
    thread_index const thread = this_thread_index();
    if (thread >= max_threads) [[unlikely]]
      return index_chain{}.with(links(), index);
    cache& mine = caches_[thread];
    index_chain const chain = claim(mine.loaded[c]);
    if (chain.count() < magazine_items_[c]) [[likely]] {
      deposit(mine.loaded[c], chain.with(links(), index));
      return {};
    }
    index_chain const displaced = claim(mine.previous[c]);
    deposit(mine.previous[c], chain);
    deposit(mine.loaded[c], index_chain{}.with(links(), index));
    return displaced;
  }

  /// Puts a whole chain where every thread can reach it.
  void push(std::size_t c, index_chain chain) noexcept { depots_[c].push(links(), chain); }
  /// Takes a whole chain from the depot; empty when there is none.
  [[nodiscard]] index_chain pop(std::size_t c) noexcept { return depots_[c].pop(links()); }

  /// Takes a magazine of class c from any thread, sleeping or not; empty when none has one.
  [[nodiscard]] index_chain steal(std::size_t c) noexcept;

  /// Moves all that `thread` has to the depots. On that thread, or after its end.
  void flush(thread_index thread) noexcept;

  [[nodiscard]] std::uint32_t depot_items(std::size_t c) const noexcept { return depots_[c].items(); }
  [[nodiscard]] std::uint32_t magazine_items(std::size_t c) const noexcept { return magazine_items_[c]; }
  [[nodiscard]] std::uint32_t cached_items(std::size_t c) const noexcept;  ///< in all threads' magazines; a statistic
  [[nodiscard]] std::uint64_t taken_cached(std::size_t c) const noexcept;  ///< takes served by a magazine, ever
  [[nodiscard]] std::uint64_t refills(std::size_t c) const noexcept {      ///< takes that went to the depot, ever
    return refills_[c].load(std::memory_order_relaxed);                    // relaxed: a statistic
  }

 private:
  /// One thread's magazines; written by that thread, emptied by stealers. Statistics live on a second line.
  struct alignas(64) cache {
    std::atomic<std::uint64_t> loaded[max_classes];
    std::atomic<std::uint64_t> previous[max_classes];
    alignas(64) std::atomic<std::uint64_t> taken[max_classes];
  };
  static_assert(sizeof(cache) == 128);

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

  [[nodiscard]] std::optional<std::uint32_t> refill(cache& mine, std::size_t c) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> take_uncached(std::size_t c) noexcept;
  [[nodiscard]] static thread_index walk_limit() noexcept { return std::min(max_threads, thread_index_limit()); }

  mapped_array<index_links> links_;
  mapped_array<cache> caches_;
  std::array<std::uint32_t, max_classes> magazine_items_;
  std::size_t classes_;
  std::array<chain_depot, max_classes> depots_{};
  std::array<std::atomic<std::uint64_t>, max_classes> refills_{};
};

}  // namespace mayfly::detail
