#pragma once

#include <mayfly/detail/atomics.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/schedule_point.hpp>

#include <atomic>
#include <cstdint>

namespace mayfly::detail {

/// Where idle workers sleep and whoever brings work wakes them: one word and one semaphore.
///
///     word_ = { searching : 32, parked : 32 }
///
///     busy ──begin_search──> searching ──park──> parked ──(claimed by a waker)──> searching ──(semaphore)──> busy
///       ^──────end_search───────┘  ^──park, but its check found work──┘
///
/// A *searching* worker looks at the queues all the time and needs no waking, and one that has been claimed will look
/// once it is up; so a waker posts the semaphore only when nobody searches. A burst at a busy pool makes no system call
/// at all, a burst at one that sleeps a single one, and each worker that gets up wakes the next if work is left.
///
/// No wake-up is lost. Let work be published by a seq_cst operation P (the ring's tail CAS), followed by wake_one()'s
/// seq_cst load L of word_. Every way out of searching is a seq_cst RMW X of word_ followed by the check C of the
/// queues (seq_cst loads): in park() before the sleep; after end_search(), and after park(), by whoever called it.
///   - L sees a searcher: its X is after L in the total order, so P < L < X < C, and C sees the work. If that worker
///     takes other work instead, the contract of end_search() makes it wake somebody for the rest.
///   - L sees neither a searcher nor a parked worker: all are busy, and a busy worker looks at the queues again
///     before it parks: its X is after L, and C sees the work.
///   - L sees a parked worker and no searcher: it is claimed by the CAS, exactly one post follows, and whoever takes
///     that post leaves the search.
/// (One total order of the seq_cst operations is what makes this an argument about two variables: with acquire and
/// release both sides could miss each other.)
template <typename Policy>
class basic_worker_gate {
 public:
  basic_worker_gate() = default;
  basic_worker_gate(basic_worker_gate const&) = delete;
  basic_worker_gate& operator=(basic_worker_gate const&) = delete;
  ~basic_worker_gate() = default;

  /// After publishing one piece of work (a seq_cst operation): sees to it that somebody will look. Any thread; one
  /// load when a worker is searching or all are busy, one system call when one must be woken; `about_to_wake()` comes
  /// just before that. Returns whether one was woken.
  template <class AboutToWake>
  bool wake_one(AboutToWake&& about_to_wake) noexcept {
    MAYFLY_SCHEDULE_POINT("worker_gate.wake.before_load");
    // sync gate: seq_cst load; pairs with park() and end_search(), which change the word before they check the queues
    std::uint64_t word = word_.load(std::memory_order_seq_cst);
    while (searching_of(word) == 0 && parked_of(word) != 0) {
      if (!claim(word)) continue;
      about_to_wake();
      post();
      return true;
    }
    return false;
  }
  bool wake_one() noexcept {
    return wake_one([] {});
  }

  /// Wakes up to `most` parked workers, searching ones or not: for news that concern each of them (nested work to
  /// help with, the end). Publish the news with a seq_cst operation first. Returns how many were woken.
  std::uint32_t wake(std::uint32_t most) noexcept {
    std::uint32_t woken = 0;
    // sync gate: as in wake_one()
    std::uint64_t word = word_.load(std::memory_order_seq_cst);
    while (woken < most && parked_of(word) != 0) {
      if (claim(word)) {
        MAYFLY_SCHEDULE_POINT("worker_gate.wake.claimed");
        post();
        ++woken;
        word = word_.load(std::memory_order_seq_cst);
      }
    }
    return woken;
  }

  /// The calling worker is idle and looks for work from now on.
  void begin_search() noexcept { word_.fetch_add(one_searching, std::memory_order_seq_cst); }

  /// The calling worker found something. It must then take one piece of work and look at the queues again: if there
  /// is more, call wake_one() for it, because wakers relied on this worker's search.
  void end_search() noexcept {
    // sync gate: seq_cst RMW; pairs with wake_one(); the caller's next look at the queues comes after it
    word_.fetch_sub(one_searching, std::memory_order_seq_cst);
    MAYFLY_SCHEDULE_POINT("worker_gate.end_search");
  }

  /// The calling worker stops searching and sleeps until it is claimed, unless `has_work()` (seq_cst loads of all
  /// that it waits for) says true once it is counted as parked. Returns whether it slept; it is busy in either case,
  /// and bound by end_search()'s contract: who claimed it relied on it from then on, and so did others.
  template <class HasWork>
  bool park(HasWork&& has_work) noexcept {
    MAYFLY_SCHEDULE_POINT("worker_gate.park.before_count");
    // sync gate: seq_cst RMW; pairs with wake_one(); has_work() comes after it
    word_.fetch_add(one_parked - one_searching, std::memory_order_seq_cst);
    MAYFLY_SCHEDULE_POINT("worker_gate.park.counted");
    if (!MAYFLY_MUTANT("lost-wake-up") && has_work() && unclaim()) return false;
    MAYFLY_SCHEDULE_POINT("worker_gate.park.before_wait");
    semaphore_.wait();
    end_search();
    return true;
  }

  [[nodiscard]] std::uint32_t parked() const noexcept {
    return parked_of(word_.load(std::memory_order_seq_cst));  // seq_cst: part of the same argument where it decides
  }
  [[nodiscard]] std::uint32_t searching() const noexcept { return searching_of(word_.load(std::memory_order_seq_cst)); }

 private:
  static constexpr std::uint64_t one_parked = 1;
  static constexpr std::uint64_t one_searching = std::uint64_t{1} << 32;

  static std::uint32_t parked_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }
  static std::uint32_t searching_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 32); }

  /// Counts one parked worker as searching; one post() must follow. Lock-free: a failed CAS means that somebody else's
  /// succeeded. No ABA: the word is the whole state, an equal word is an equal state.
  bool claim(std::uint64_t& word) noexcept {
    MAYFLY_SCHEDULE_POINT("worker_gate.claim");
    return word_.compare_exchange_weak(word, word - one_parked + one_searching, std::memory_order_seq_cst);
  }

  void post() noexcept {
    // sync gate-post: sem_post and sem_wait, in the semaphore, publish what the waker wrote before
    semaphore_.post();
  }

  /// Takes the calling worker out of the parked again. False when a waker has claimed every parked worker first: a
  /// post is then on its way, and must be taken.
  bool unclaim() noexcept {
    std::uint64_t word = word_.load(std::memory_order_seq_cst);
    while (parked_of(word) != 0) {
      if (word_.compare_exchange_weak(word, word - one_parked, std::memory_order_seq_cst)) return true;
    }
    return false;
  }

  // written by workers that change state, and by wakers
  alignas(64) typename Policy::template atomic<std::uint64_t> word_{0};
  // written by sleepers and wakers only
  alignas(64) typename Policy::semaphore semaphore_;
};
using worker_gate = basic_worker_gate<native_atomics>;

}  // namespace mayfly::detail
