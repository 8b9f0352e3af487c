#pragma once

#include <mayfly/detail/mutant.hpp>

#include <atomic>
#include <cstddef>
#include <limits>

namespace mayfly {

/// A limit in bytes that several arenas share: the lanes of one request charge one budget.
///
/// Arenas charge it only when they take or return a page or a block, so an allocation that fits the current page
/// costs nothing here. Every function may be called from any thread; none blocks.
class byte_budget {
 public:
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  explicit byte_budget(std::size_t limit = unlimited) noexcept : limit_{limit} {}

  byte_budget(byte_budget const&) = delete;
  byte_budget& operator=(byte_budget const&) = delete;

  /// Takes `bytes` if they fit under the limit; false, with nothing changed, if they do not. Lock-free.
  [[nodiscard]] bool try_charge(std::size_t bytes) noexcept { return try_charge(bytes, limit()); }
  /// The same under a limit that somebody else keeps, in place of the budget's own.
  [[nodiscard]] bool try_charge(std::size_t bytes, std::size_t most) noexcept {
    // Relaxed throughout: the counter orders no other data, it only has to be exact.
    std::size_t used = used_.load(std::memory_order_relaxed);
    do {
      if (bytes > most || used > most - bytes + (MAYFLY_MUTANT("budget-off-by-one") ? 1 : 0)) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed, std::memory_order_relaxed));
    return true;
  }

  /// Gives back what try_charge took.
  void refund(std::size_t bytes) noexcept {
    used_.fetch_sub(bytes, std::memory_order_relaxed);  // relaxed: as in try_charge()
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
  std::atomic<std::size_t> limit_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace mayfly
