#pragma once

#include "native_thread.hpp"
#include "onetbb_group.hpp"
#include <mayfly/detail/worker_gate.hpp>
#include <mayfly/detail/worker_surplus.hpp>
#include <mayfly/schedule_point.hpp>

#include <semaphore.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace mayfly::detail {

/// One worker's way into oneTBB's dispatch loop and out of it again.
///
/// take() makes a task that is deferred and never run, and sit() waits for it: meanwhile oneTBB lets this thread steal
/// whatever tasks the arena has. release(), from any thread that may use oneTBB, drops the task, and sit() returns
/// after the piece of work at hand.
class help_seat {
 public:
  /// Takes the seat, so that release() works from now on; false when there is no memory for it. The owner only.
  bool take() noexcept;
  /// Steals until released. The owner only, after take().
  void sit();
  /// Lets the owner go; true when it was seated and nobody had released it before.
  bool release();

  [[nodiscard]] bool taken() const noexcept { return taken_.load(std::memory_order_seq_cst); }

 private:
  onetbb_group group_;
  tbb::task_handle reason_to_wait_;
  alignas(64) std::atomic<bool> taken_{false};  // written by the owner (true) and by one releaser (false)
  std::atomic<std::uint64_t> released_{0};
};

/// Sends idle workers to help with the nested work of running requests, and fetches them back.
///
///     regions_   nested algorithms running now (parallel_for, task groups)
///     helpers_   workers in oneTBB's loop
///     reserve    of the workers, how many help rather than take new requests while regions_ > 0
///
/// Nobody helps for ever: whoever ends the last region releases all helpers (at least that request's own thread is
/// always outside, so waiting requests are never stuck for good), and while requests wait the recall thread releases
/// those beyond the reserve at once and the rest after a fair share.
///
/// Sync edges (all seq_cst, so that each pair of "write mine, then read yours" cannot both miss):
///   help-begin   regions_ incremented, then parked workers woken  |  worker parks, then reads regions_
///   help-end     regions_ decremented, then seats released        |  worker takes its seat, then reads regions_
///   help-recall  a push counted, then helpers_ read               |  helpers_ incremented, then the queues read: who
///                                                                    helps though requests wait asks to be fetched
///   leave        surplus raised, then helpers_ read, seats        |  worker takes its seat, then reads the surplus
///                released (by the recall thread)                  |
class nested_help {
 public:
  /// `gate` is where idle workers sleep, `surplus` how many of them are to end, `most` how many there can be.
  nested_help(worker_gate& gate, worker_surplus const& surplus, std::size_t most);
  ~nested_help();

  /// Starts the recall thread; throws std::system_error.
  void start(std::string const& name);
  void stop() noexcept;

  /// How many workers there are from now on.
  void set_workers(std::size_t count) noexcept {
    // relaxed: a measure, by which a worker helps or does not; either is right
    reserve_.store(count < 8 ? 1 : count / 4, std::memory_order_relaxed);
  }

  /// Workers are to end (the surplus was raised before): those that help come and see. Does not touch oneTBB.
  void fetch_leavers() noexcept;

  /// A nested algorithm begins, with work for `useful` more threads.
  void begin_region(std::size_t useful) noexcept {
    MAYFLY_SCHEDULE_POINT("nested_help.begin_region");
    // sync help-begin: seq_cst; pairs with wanted(), which a worker asks once it is counted as parked
    regions_.fetch_add(1, std::memory_order_seq_cst);
    if (useful != 0) gate_.wake(static_cast<std::uint32_t>(useful < seats_.size() ? useful : seats_.size()));
  }
  /// A running algorithm has one more piece of work.
  void wake_one() noexcept { gate_.wake(1); }
  void end_region() noexcept {
    // sync help-end: seq_cst; pairs with sit(), which reads regions_ once the seat is taken
    if (regions_.fetch_sub(1, std::memory_order_seq_cst) == 1) release_all();
  }

  /// Whether an idle worker should come and help.
  [[nodiscard]] bool wanted() const noexcept {
    // sync help-begin: seq_cst; pairs with begin_region(); read after the worker is counted as parked
    return regions_.load(std::memory_order_seq_cst) != 0;
  }

  /// Whether a worker should help although requests wait.
  [[nodiscard]] bool wanted_from_reserve() const noexcept {
    // relaxed first: a worker between requests that reads a stale 0 takes another request, which is as good
    return regions_.load(std::memory_order_relaxed) != 0 && helpers_.load(std::memory_order_relaxed) < reserve();
  }

  /// Helps until released; the calling worker's own seat. Returns false when there was no need. `work_waits` tells
  /// whether requests are queued (seq_cst loads).
  template <class WorkWaits>
  bool help(std::size_t worker, WorkWaits&& work_waits) noexcept {
    // sync help-recall: pairs with announce(); the queues are read after this
    std::size_t const others = helpers_.fetch_add(1, std::memory_order_seq_cst);
    bool const requests_wait = work_waits();
    bool const useful = wanted() && (others < reserve() || !requests_wait);
    if (useful) {
      // Whoever pushed these found no helper to fetch, and will not come again: the fair share begins now.
      if (requests_wait) ask_recall();
      sit(worker);
    }
    helpers_.fetch_sub(1, std::memory_order_seq_cst);
    return useful;
  }

  /// After work was announced and no worker sleeps or searches: fetches helpers, if there are any. Does not touch
  /// oneTBB: any thread may call it.
  void announce() noexcept {
    // sync help-recall: pairs with help(); the push was counted before
    if (helpers_.load(std::memory_order_seq_cst) == 0) return;
    ask_recall();
  }

  /// Lets the recall thread know whether requests wait. Set once, before start().
  void set_work_waits(bool (*waits)(void const*) noexcept, void const* of) noexcept {
    waits_ = waits;
    waits_of_ = of;
  }

 private:
  [[nodiscard]] std::size_t reserve() const noexcept {
    return reserve_.load(std::memory_order_relaxed);  // relaxed: see set_workers()
  }
  void sit(std::size_t worker) noexcept;
  void release_all() noexcept;
  void release_beyond(std::size_t kept) noexcept;
  void ask_recall() noexcept;
  void answer_recall(std::size_t kept) noexcept;
  void recall_loop() noexcept;
  static void* recall_main(void* self);

  worker_gate& gate_;
  worker_surplus const& surplus_;
  std::vector<std::unique_ptr<help_seat>> seats_;
  std::atomic<std::size_t> reserve_{1};  // written by whoever changes the number of workers
  bool (*waits_)(void const*) noexcept = nullptr;
  void const* waits_of_ = nullptr;
  native_thread thread_;
  sem_t recall_{};
  alignas(64) std::atomic<std::size_t> regions_{0};    // written by threads that begin and end nested work
  alignas(64) std::atomic<std::size_t> helpers_{0};    // written by workers that go to help
  alignas(64) std::atomic<bool> recall_asked_{false};  // written by submitters and the recall thread
  std::atomic<bool> leavers_asked_{false};             // written by who dismisses workers and the recall thread
  std::atomic<bool> stopping_{false};
};

/// A nested algorithm, for as long as this object lives.
class nested_region {
 public:
  nested_region(nested_help& help, std::size_t useful) noexcept : help_(help) { help_.begin_region(useful); }
  ~nested_region() { help_.end_region(); }
  nested_region(nested_region const&) = delete;
  nested_region& operator=(nested_region const&) = delete;

 private:
  nested_help& help_;
};

}  // namespace mayfly::detail
