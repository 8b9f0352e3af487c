#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <vector>

namespace bench {

/// Counts requests, by thread: a line of its own for each that counts, so that counting costs no contender a cache
/// line which several threads write. Anybody may read the sums.
class tally {
 public:
  static constexpr std::size_t most_threads = 80;

  /// One more has been submitted by this thread.
  void submitted() noexcept { add(mine().submitted); }

  /// This thread has run one; whether it read back what it had written.
  void ran(bool right) noexcept {
    slot& here = mine();
    if (!right) here.wrong.store(here.wrong.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    add(here.ran);
  }

  [[nodiscard]] std::uint64_t all_submitted() const noexcept { return sum(&slot::submitted); }
  [[nodiscard]] std::uint64_t all_ran() const noexcept { return sum(&slot::ran); }
  [[nodiscard]] std::uint64_t all_wrong() const noexcept { return sum(&slot::wrong); }

 private:
  struct alignas(128) slot {
    std::atomic<std::uint64_t> submitted{0};
    std::atomic<std::uint64_t> ran{0};
    std::atomic<std::uint64_t> wrong{0};
  };

  // Only one thread at a time writes to a slot, hence no locked instruction.
  static void add(std::atomic<std::uint64_t>& to) noexcept {
    // relaxed load: our own. sync tally: release; pairs with sum(): what was done before is over for who sees the sum
    to.store(to.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  [[nodiscard]] std::uint64_t sum(std::atomic<std::uint64_t> slot::* which) const noexcept {
    std::uint64_t all = 0;
    std::size_t const threads = threads_.load(std::memory_order_relaxed);  // relaxed: one more is seen next time
    for (std::size_t i = 0; i < threads && i < most_threads; ++i) {
      all += (slots_[i].*which).load(std::memory_order_acquire);  // sync tally: acquire; pairs with add()
    }
    return all;
  }

  /// A number for each thread, taken over from one that has ended: std::async makes a thread for each request.
  class numbered {
   public:
    numbered() {
      std::scoped_lock const lock{mutex_};
      if (!free_.empty()) {
        number = free_.back();
        free_.pop_back();
      } else {
        number = threads_.fetch_add(1, std::memory_order_relaxed);  // relaxed: sum() sees one more next time
      }
      if (number >= most_threads) std::abort();
    }
    numbered(numbered const&) = delete;
    numbered& operator=(numbered const&) = delete;
    ~numbered() {
      std::scoped_lock const lock{mutex_};
      free_.push_back(number);
    }

    std::size_t number = 0;

   private:
    static inline std::mutex mutex_;
    static inline std::vector<std::size_t> free_;
  };

  slot& mine() noexcept {
    thread_local numbered const me;
    return slots_[me.number];
  }

  static inline std::atomic<std::size_t> threads_{0};
  std::array<slot, most_threads> slots_;
};

}  // namespace bench
