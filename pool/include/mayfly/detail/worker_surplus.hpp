#pragma once

#include <mayfly/detail/atomics.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/schedule_point.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace mayfly::detail {

/// How many workers are to end and have not yet. Not which: whoever comes by first goes, so that a request that takes
/// long holds up nobody, and a post of the worker_gate may be taken by any sleeper, as its posts are.
///
///     add(n), then worker_gate::wake(n)      any(), part of what a parked worker waits for
///                                            claim(): one of them goes, the caller
///
/// No sleeper is forgotten: any() is asked once a worker is counted as parked, so it sees the surplus, or is one of
/// those that wake(n) finds parked (the argument is worker_gate.hpp's). Of n that were woken each claims one, unless a
/// worker that did not sleep was faster.
template <typename Policy>
class basic_worker_surplus {
 public:
  /// `count` more are to end; wake as many afterwards.
  void add(std::size_t count) noexcept {
    // sync leave: seq_cst; pairs with any(), which is asked after a worker is counted as parked, or its seat is taken
    count_.fetch_add(count, std::memory_order_seq_cst);
    MAYFLY_SCHEDULE_POINT("worker_surplus.added");
  }

  /// Up to `most` of them are not to end after all. Returns how many had not gone. Lock-free, as claim() is.
  std::size_t take_back(std::size_t most) noexcept {
    std::size_t count = count_.load(std::memory_order_relaxed);  // relaxed: the exchange decides
    while (count != 0 && !try_lower(count, std::min(count, most))) {
    }
    return std::min(count, most);
  }

  /// Whether the calling worker is to end: it is one of them from then on, and counted no more. Lock-free: a failed
  /// exchange means that somebody else's succeeded. No ABA: the number is the whole state.
  [[nodiscard]] bool claim() noexcept {
    std::size_t count = count_.load(std::memory_order_relaxed);  // relaxed: the exchange decides
    while (count != 0) {
      if (try_lower(count, 1)) return true;
    }
    return false;
  }

  /// Whether a worker should come and claim(). Part of the gate's argument.
  [[nodiscard]] bool any() const noexcept {
    // sync leave: seq_cst; pairs with add()
    return !MAYFLY_MUTANT("leaver-sleeps-on") && count_.load(std::memory_order_seq_cst) != 0;
  }

  /// For a worker that is awake: a stale 0 is looked at again before it sleeps.
  [[nodiscard]] std::size_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] bool try_lower(std::size_t& count, std::size_t by) noexcept {
    MAYFLY_SCHEDULE_POINT("worker_surplus.lower");
    // relaxed: which workers go is all that it decides; what they leave behind is published by worker_table's lock
    return count_.compare_exchange_weak(count, count - by, std::memory_order_relaxed);
  }

  // written when the number of workers is changed, read by workers between requests
  alignas(64) typename Policy::template atomic<std::size_t> count_{0};
};
using worker_surplus = basic_worker_surplus<native_atomics>;

}  // namespace mayfly::detail
