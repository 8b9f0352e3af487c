#pragma once

#include <mayfly/detail/atomics.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/schedule_point.hpp>

#include <atomic>
#include <cstddef>
#include <limits>

namespace mayfly {

/// byte_budget, on an atomics policy: for the tests that explore it, too.
template <typename Policy>
class basic_byte_budget {
 public:
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  explicit constexpr basic_byte_budget(std::size_t limit = unlimited) noexcept : limit_{limit} {}

  basic_byte_budget(basic_byte_budget const&) = delete;
  basic_byte_budget& operator=(basic_byte_budget const&) = delete;
  ~basic_byte_budget() = default;

  /// Takes `bytes` if they fit under the limit; false, with nothing changed, if they do not. Lock-free.
  [[nodiscard]] bool try_charge(std::size_t bytes) noexcept { return try_charge(bytes, limit()); }
  /// The same under a limit that somebody else keeps, in place of the budget's own.
  [[nodiscard]] bool try_charge(std::size_t bytes, std::size_t most) noexcept {
    std::size_t used_by_now = 0;
    return try_charge(bytes, most, used_by_now);
  }
  /// The same, and what is used then, this charge included; unchanged where it does not fit.
  [[nodiscard]] bool try_charge(std::size_t bytes, std::size_t most, std::size_t& used_by_now) noexcept {
    // Relaxed throughout: the counter orders no other data, it only has to be exact. No ABA: equal counts are equal.
    std::size_t used = used_.load(std::memory_order_relaxed);
    do {
      MAYFLY_SCHEDULE_POINT("budget-charge");
      if (bytes > most || used > most - bytes + (MAYFLY_MUTANT("budget-off-by-one") ? 1 : 0)) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed, std::memory_order_relaxed));
    used_by_now = used + bytes;
    return true;
  }

  /// Gives back what try_charge took.
  void refund(std::size_t bytes) noexcept {
    MAYFLY_SCHEDULE_POINT("budget-refund");
    // Relaxed, all: as in try_charge().
    if (MAYFLY_MUTANT("lost-refund"))
      return used_.store(used_.load(std::memory_order_relaxed) - bytes, std::memory_order_relaxed);
    used_.fetch_sub(bytes, std::memory_order_relaxed);
  }

  /// Sets a new limit and forgets what was used. Only while no arena holds a charge.
  void restart(std::size_t limit) noexcept {
    // Relaxed: whoever charges the budget next is synchronised elsewhere; a mere looker may see either limit.
    limit_.store(limit, std::memory_order_relaxed);
    used_.store(0, std::memory_order_relaxed);
  }

  /// Sets a new limit, under which what is charged stays charged: below it nothing more fits until enough is refunded.
  void set_limit(std::size_t limit) noexcept {
    limit_.store(limit, std::memory_order_relaxed);  // relaxed: a charge that has begun may go by either limit
  }

  // Relaxed: figures to look at, which order nothing.
  [[nodiscard]] std::size_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  typename Policy::template atomic<std::size_t> limit_;
  typename Policy::template atomic<std::size_t> used_{0};
};

/// A limit in bytes that several arenas share: the lanes of one request charge one budget.
///
/// Arenas charge it only when they take or return a page or a block, so an allocation that fits the current page
/// costs nothing here. Every function may be called from any thread; none blocks.
class byte_budget final : public basic_byte_budget<detail::native_atomics> {
 public:
  using basic_byte_budget::basic_byte_budget;
};

}  // namespace mayfly
