#pragma once

#include <mayfly/byte_budget.hpp>
#include <mayfly/detail/atomics.hpp>
#include <mayfly/schedule_point.hpp>

#include <atomic>
#include <cstddef>

namespace mayfly::detail {

/// What a page pool holds of the system's memory, under a limit of its own and perhaps one that several pools have in
/// common. Both may move at any time.
///
///     try_charge   own_ ──> peak_ ──> common_     refused by the last: own_ gets it back
///     refund       common_ ──> own_
///
/// In this order: a pool never has more of the common limit than its own limit is.
///
/// A charge is within each limit as it was read for it: at most one move late. Any thread; lock-free. Relaxed
/// throughout: figures and limits, which order nothing else.
template <typename Policy>
class alignas(64) basic_page_charge {
 public:
  using budget = basic_byte_budget<Policy>;

  /// `common`: null, or outlives this.
  explicit basic_page_charge(std::size_t limit, budget* common = nullptr) noexcept : own_{limit}, common_{common} {}

  [[nodiscard]] bool try_charge(std::size_t bytes) noexcept {
    std::size_t held = 0;
    if (!own_.try_charge(bytes, own_.limit(), held)) return false;
    note_peak(held);  // also of what the common limit then refuses: it was here for a moment
    MAYFLY_SCHEDULE_POINT("page-charge-common");
    if (common_ == nullptr || common_->try_charge(bytes)) return true;
    own_.refund(bytes);
    return false;
  }
  void refund(std::size_t bytes) noexcept {
    if (common_ != nullptr) common_->refund(bytes);
    MAYFLY_SCHEDULE_POINT("page-refund-own");
    own_.refund(bytes);
  }
  void set_limit(std::size_t bytes) noexcept {
    MAYFLY_SCHEDULE_POINT("page-charge-limit");
    own_.set_limit(bytes);
  }

  [[nodiscard]] std::size_t limit() const noexcept { return own_.limit(); }
  [[nodiscard]] std::size_t held() const noexcept { return own_.used(); }
  [[nodiscard]] std::size_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }
  /// Where a limit has been lowered.
  [[nodiscard]] bool is_over() const noexcept {
    return held() > limit() || (common_ != nullptr && common_->used() > common_->limit());
  }

 private:
  void note_peak(std::size_t held) noexcept {
    std::size_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < held &&
           !peak_.compare_exchange_weak(peak, held, std::memory_order_relaxed, std::memory_order_relaxed)) {
    }
  }

  budget own_;
  budget* common_;
  typename Policy::template atomic<std::size_t> peak_{0};
};
using page_charge = basic_page_charge<native_atomics>;

}  // namespace mayfly::detail
