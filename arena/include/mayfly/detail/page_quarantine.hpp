#pragma once

#include <mayfly/detail/mapping.hpp>
#include <mayfly/page_pool.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

namespace mayfly::detail {

/// What is kept of an owner whose memory lies in quarantine. The words are the caller's own.
struct quarantine_note {
  static constexpr std::size_t word_count = 11;

  std::uint64_t owner = 0;  ///< its owner tag; never 0, never given to another owner
  std::array<std::uint64_t, word_count> words{};
};

/// What builds with MAYFLY_CANARIES know of an allocation.
struct quarantined_allocation {
  std::size_t bytes = 0;
  void const* site = nullptr;
};

/// Pages and blocks of owners that have ended, kept out of reach for a while: whoever still uses one faults (under
/// AddressSanitizer: meets poison), and find() says whose it was.
///
///     entries   oldest_ -> [ note | pages | blocks ] [ note | pages | blocks ] ... <- newest_     first in, first out
///                                    |
///     descriptors                  [page] -> [page] -> 0        owner stays, memory PROT_NONE and untouched
///
/// Bounded in pages, in bytes, and by the mappings it costs the process; what does not fit goes back to the pool at
/// once, and so does what the system will not protect: a quarantine may lose sight of a page, but never the page
/// (A9). All but find() take a lock, next to a system call; find() is async-signal-safe.
class page_quarantine {
 public:
  static constexpr std::uint32_t most_pages = std::uint32_t{1} << 16U;

  /// Takes nothing before open_for() is called. Throws allocation_error where the system refuses the table.
  page_quarantine(page_pool& pool, quarantine_limits const& limits);
  /// The pool's own end: whatever lies in here goes with the reservation.
  ~page_quarantine();

  page_quarantine(page_quarantine const&) = delete;
  page_quarantine& operator=(page_quarantine const&) = delete;

  /// Never lowers a limit: several registries may share a pool.
  void raise(quarantine_limits const& limits) noexcept;

  /// Gives entries back to the pool, oldest first, until `wanted` bytes are back. Returns how many are.
  std::size_t release(std::size_t wanted) noexcept;

  /// The note of the owner in whose quarantined memory `address` lies. Async-signal-safe.
  [[nodiscard]] std::optional<quarantine_note> find(void const* address) const noexcept;

  /// The allocation that `address` lies in; nothing but in builds with MAYFLY_CANARIES. Async-signal-safe.
  [[nodiscard]] std::optional<quarantined_allocation> allocation_at(void const* address) const noexcept;

  /// Pages of class `c` in here.
  [[nodiscard]] std::uint64_t pages(std::size_t c) const noexcept {
    return pages_[c].load(std::memory_order_relaxed);  // relaxed: a statistic
  }
  [[nodiscard]] quarantine_stats stats() const noexcept;

 private:
  friend class quarantine_admission;
  friend class page_census;

  /// One owner's memory. A reader that finds the same owner before and after has read that owner's words: tags are
  /// never given twice, and each store is a release that the loads acquire.
  struct entry {
    std::atomic<std::uint64_t> owner;  // 0: the words are being changed, or nobody's
    std::array<std::atomic<std::uint64_t>, quarantine_note::word_count> words;
    std::uint32_t pages;   // index + 1 of the first, linked through descriptors; under the lock
    std::uint32_t blocks;  // the same
  };

  [[nodiscard]] entry& at(std::uint64_t number) const noexcept { return entries_[number % most_pages]; }
  [[nodiscard]] entry& add_entry() noexcept;
  [[nodiscard]] bool make_room(std::size_t bytes) noexcept;
  [[nodiscard]] bool fits(std::size_t bytes) const noexcept;
  [[nodiscard]] bool admit(std::uint32_t index, std::size_t bytes) noexcept;
  void forget(std::size_t bytes) noexcept;
  std::size_t release_oldest() noexcept;
  std::size_t retry_stuck() noexcept;
  void retry_until_refused() noexcept;
  std::size_t release_page(std::uint32_t index) noexcept;
  std::size_t release_block(std::uint32_t index) noexcept;

  page_pool& pool_;
  mapped_array<entry> entries_;
  mutable std::mutex mutex_;  // guards what follows, but for what is atomic: that is written under it
  quarantine_limits limits_;
  std::uint32_t stuck_pages_ = 0;   // index + 1: pages and blocks that the system would not make accessible again
  std::uint32_t stuck_blocks_ = 0;  // the same
  std::atomic<std::uint64_t> oldest_{0};
  std::atomic<std::uint64_t> newest_{0};  // one behind the newest
  std::array<std::atomic<std::uint64_t>, page_pool_options::classes> pages_{};
  std::atomic<std::uint64_t> blocks_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> overflowed_{0};
  std::atomic<std::uint64_t> refused_{0};
};

/// Takes the memory of one owner into a quarantine, page by page, and keeps the quarantine locked until its own end.
/// Where there is no room, the pool gets it.
class quarantine_admission {
 public:
  quarantine_admission(page_quarantine& into, quarantine_note const& note) noexcept;
  ~quarantine_admission();
  quarantine_admission(quarantine_admission const&) = delete;
  quarantine_admission& operator=(quarantine_admission const&) = delete;

  /// As the pool's functions of these names: afterwards the memory is no longer the caller's.
  void give_page(std::size_t c, std::uint32_t index) noexcept;
  void give_block(std::uint32_t index) noexcept;

 private:
  page_quarantine& into_;
  std::scoped_lock<std::mutex> lock_;
  page_quarantine::entry& mine_;
};

/// page_quarantine::find() in all quarantines of the process. Async-signal-safe.
[[nodiscard]] std::optional<quarantine_note> find_quarantined(void const* address) noexcept;
/// The same for page_quarantine::allocation_at().
[[nodiscard]] std::optional<quarantined_allocation> find_quarantined_allocation(void const* address) noexcept;

/// How many mappings one process may have (vm.max_map_count), read once; 65,530 where it cannot be read.
[[nodiscard]] std::size_t largest_map_count() noexcept;

}  // namespace mayfly::detail
