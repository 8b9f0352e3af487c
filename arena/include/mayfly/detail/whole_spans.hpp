#pragma once

#include <mayfly/detail/index_chain.hpp>
#include <mayfly/detail/mapping.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace mayfly::detail {

/// Puts idle pages in the order in which their memory should go back: first those of spans of which the least stays, so
/// that whole spans become empty (a huge page goes back as one only when all of it does) and what is kept lies
/// together. Within a span by address, so that neighbours go in one call.
class whole_spans {
 public:
  /// `shift`: log2 of the indices in a span.
  whole_spans(std::uint32_t spans, unsigned shift) noexcept : returned_{spans}, idle_{spans}, shift_{shift} {}

  [[nodiscard]] bool ready() const noexcept { return returned_ && idle_; }

  /// A page's memory has gone back, or has come again. Relaxed: figures, by which an order is chosen.
  void count_returned(std::uint32_t index) noexcept {
    returned_[index >> shift_].fetch_add(1, std::memory_order_relaxed);
  }
  void count_taken(std::uint32_t index) noexcept { returned_[index >> shift_].fetch_sub(1, std::memory_order_relaxed); }

  /// Held by who has idle pages in hand, to sort them: whoever is about to be refused waits for it, as they may be what
  /// it needs.
  [[nodiscard]] std::mutex& in_hand() noexcept { return in_hand_; }

  /// The same pages, those first that should go first. The caller holds the chain, and in_hand(). By merging: no
  /// memory.
  [[nodiscard]] index_chain sort(index_links* links, index_chain chain) noexcept;

 private:
  /// How much of the span goes, if all in hand do: page pieces of one class, so the more the fewer stay.
  [[nodiscard]] std::uint32_t gone_of(std::uint32_t index) const noexcept {
    return idle_[index >> shift_] + returned_[index >> shift_].load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool goes_before(std::uint32_t one, std::uint32_t other) const noexcept {
    std::uint32_t const of_one = gone_of(one);
    std::uint32_t const of_other = gone_of(other);
    return of_one != of_other ? of_one > of_other : one < other;
  }
  [[nodiscard]] index_chain merge(index_links* links, index_chain one, index_chain other) const noexcept;

  mapped_array<std::atomic<std::uint32_t>> returned_;  // by span: pages without memory
  mapped_array<std::uint32_t> idle_;                   // by span: pages in hand; under in_hand_, 0 outside sort()
  unsigned shift_;
  std::mutex in_hand_;
};

}  // namespace mayfly::detail
