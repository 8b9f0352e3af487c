#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mayfly::detail {

/// A figure that is dear to find out, for callers who may ask for it all the time: found out anew once an interval in
/// the long run, but as often as `burst` times in a row after a rest, so that whoever asks seldom gets a fresh one
/// each time. In between the last one is given again.
///
///     [-- burst intervals --]         due_: how far the looks are ahead of the clock (the generic cell rate algorithm)
///     now          due_     ^ no more looks from here on
///
/// Any thread; lock-free but for the look itself. Relaxed throughout: hints, which order nothing.
class rationed_figure {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::nanoseconds interval = std::chrono::milliseconds{1};
  static constexpr std::int64_t burst = 64;

  template <typename Look>
  [[nodiscard]] std::size_t get(Look&& look, clock::time_point now = clock::now()) noexcept {
    if (!may_look(now)) return last_.load(std::memory_order_relaxed);
    std::size_t const seen = look();
    last_.store(seen, std::memory_order_relaxed);
    return seen;
  }

 private:
  /// A failed exchange: somebody else looks. No ABA: the value is the whole state.
  [[nodiscard]] bool may_look(clock::time_point now) noexcept {
    std::int64_t const at = std::chrono::nanoseconds{now.time_since_epoch()}.count();
    std::int64_t due = due_.load(std::memory_order_relaxed);
    std::int64_t next = 0;
    do {
      next = (due > at ? due : at) + interval.count();
      if (next - at > burst * interval.count()) return false;
    } while (!due_.compare_exchange_weak(due, next, std::memory_order_relaxed, std::memory_order_relaxed));
    return true;
  }

  std::atomic<std::int64_t> due_{0};
  std::atomic<std::size_t> last_{0};
};

}  // namespace mayfly::detail
