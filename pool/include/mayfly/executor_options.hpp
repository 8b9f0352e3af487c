#pragma once

#include <mayfly/audit.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/guard.hpp>
#include <mayfly/page_pool_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mayfly {

class effect_handler;
class executor_observer;
class page_budget;
class page_pool;

/// How an executor is made. The constructor refuses nonsense with std::invalid_argument, whose message names the
/// option, its value and what is allowed.
struct executor_options {
  /// The defaults, but for what a TOML file says of memory (memory_settings.hpp): what `mayfly-stress tune --out`
  /// writes. Throws std::invalid_argument with file, line and key.
  [[nodiscard]] static executor_options from_file(std::string const& path);

  /// Worker threads to begin with; executor::set_workers() changes it. 0: as many processors as this process may use
  /// (affinity mask and cgroup quota), but at least 2.
  std::size_t workers = 0;
  static constexpr std::size_t most_workers = 1024;

  /// The most that set_workers() may ask for, workers to most_workers: tables are made for as many, and a parallel_for
  /// is split for as many (some 100 ns a piece, four pieces each). 0: workers.
  std::size_t max_workers = 0;

  /// Requests accepted and not ended, held ones included: the number of scopes. 0: max_queued or 1,024, whichever
  /// is more, and 32 for each of max_workers.
  std::size_t max_in_flight = 0;
  static constexpr std::size_t most_in_flight = std::size_t{1} << 22;

  /// Requests waiting, *for each priority*: a flood of low priority never shuts out a high one. 0: max_in_flight.
  std::size_t max_queued = 0;

  /// Timers set and not ended: spawn_after() is refused (queue_full) beyond. 1 to 2^24.
  std::size_t max_timers = 65'536;
  static constexpr std::size_t most_timers = std::size_t{1} << 24;

  /// Memory the executor's pages may take, in use and idle, until executor::set_page_budget() says otherwise. 0: no
  /// limit but the process's. Submitting is refused (over_budget) while what another request is predicted to take would
  /// not fit beside what requests hold, or beside what those accepted and not ended are predicted to. The prediction is
  /// what 95 of 100 requests of its route kept within lately; a first page until 16 have run, and where
  /// adaptive_first_page is off.
  std::size_t page_budget_bytes = 0;
  /// A budget that the executor's pages share with those of others in the process (page_budget.hpp), beside their own:
  /// what the others' page_budget_bytes leave of it is this one's for certain. Must outlive the executor. Null: none.
  page_budget* common_budget = nullptr;

  /// Whether a request's first page is of the size that costs least for what its route's requests took lately: what
  /// they hold and do not use, and 4 KiB for each page. Every worker learns by itself, from 16 requests of a route on
  /// and of up to 256 routes, and forgets within 40 s, or 16 requests (executor::routes() tells). false: all begin with
  /// the next one's.
  bool adaptive_first_page = true;

  /// The class of the first page of a request whose route is not known yet: 0, 1 or 2 of
  /// page_pool_options::class_bytes.
  std::size_t first_page_class = 0;

  /// What one request may allocate from its arena; submit_options can lower or raise it for one. 0: no limit.
  std::size_t request_bytes = 0;

  /// How long an idle worker looks for work before it sleeps, where no other one looks, and not on the processor of the
  /// thread that last woke one, which may need it; otherwise it sleeps at once. A wake-up costs a system call and some
  /// 50 us of latency; looking costs the processor. 0: all sleep at once.
  std::chrono::nanoseconds idle_spin = std::chrono::microseconds{20};
  static constexpr std::chrono::nanoseconds longest_idle_spin = std::chrono::seconds{1};

  /// How long a worker runs at a time where other threads wait for its processor: what is asked of the kernel's
  /// scheduler (sched_setattr; Linux 6.12 and later, others take no notice), whose own measure is some milliseconds,
  /// and by which a thread that submits may then wait. 100 us to 100 ms; 0: nothing is asked.
  std::chrono::nanoseconds time_slice = std::chrono::microseconds{100};
  static constexpr std::chrono::nanoseconds least_time_slice = std::chrono::microseconds{100};
  static constexpr std::chrono::nanoseconds longest_time_slice = std::chrono::milliseconds{100};

  /// The stack of each worker. Below 4 MiB oneTBB would not steal on it.
  std::size_t worker_stack_bytes = std::size_t{8} << 20;
  static constexpr std::size_t least_worker_stack_bytes = std::size_t{4} << 20;

  /// The threads' name, at most 10 characters: "mayfly" gives mayfly-0, mayfly-1...
  std::string name = "mayfly";

  /// Counters and histograms; off saves two time stamps a request without a deadline.
  bool statistics = true;

  /// What the executor's own pages are made of: sizes, magazines, what stays idle, a recorder of traces. Of max_bytes
  /// and page_budget_bytes the smaller holds.
  page_pool_options page_options = {};

  /// Pages from somewhere else, shared between executors; page_options are none of theirs. Must outlive the executor;
  /// page_budget_bytes must be 0 then, and the pool's max_bytes() is the budget: what requests hold counts for all of
  /// them, what they are predicted to take each executor adds up for itself. Null: the executor has a pool of its own.
  page_pool* pages = nullptr;

  /// How often a thread of the executor's own ends an epoch of its pages (page_pool::end_epoch()): memory that was not
  /// needed for idle_epochs of them, 5, goes back to the system. Where memory is short, by the control group's limits
  /// or the kernel's pressure figures, all that is idle above the floor goes at once. 100 ms to an hour; 0: no such
  /// thread, the embedder calls pages().end_epoch() or trim() where it suits. Not for `pages` of somebody else's.
  std::chrono::nanoseconds trim_interval = std::chrono::seconds{1};
  static constexpr std::chrono::nanoseconds least_trim_interval = std::chrono::milliseconds{100};
  static constexpr std::chrono::nanoseconds longest_trim_interval = std::chrono::hours{1};

  /// The embedder's own scopes (effect_handler.hpp): its spawn_for_worker() is called once on each worker's thread, by
  /// one after the other, and what that gives enters and exits around each handler there. What it enters lies
  /// around the handler, not in its place: the handler's current scope is its request's. Must outlive the executor.
  /// Null: none.
  effect_handler* effects = nullptr;

  /// Told of requests as they open, close and are refused (observer.hpp). Must outlive the executor. Null: nobody.
  executor_observer* observer = nullptr;

  /// Which requests are searched for at their end, in memory that may not point to theirs (audit.hpp): off. For tests
  /// (one_in = 1) and samples: an audit holds its worker up for milliseconds.
  audit_options audit = {};

  /// What becomes of a value on its way out of a request that holds an address of the request's memory: a closure
  /// submitted inside a scope (MF-E11), a result or exception on its way into a future (MF-E12, MF-E13), an argument of
  /// a detached task (MF-E14). Each is reported (escape_report.hpp) in any case. refuse: the submission is refused
  /// (admission_reason::escapes), the future holds escape_refused; log: it leaves; abort: std::abort().
  egress_action egress = egress_action::refuse;

  /// Guard mode (guard.hpp): memory of one of so many ended requests kept out of reach for a while, so that a late use
  /// faults and is reported by name. Where it is on, workers that have no alternate signal stack get one.
  guard_options guard{};

  /// The first scope generation, for tests that begin just before the wrap.
  std::uint64_t first_generation = 1;
};

/// Which requests go first. Queued requests of a higher priority are taken first, but of every 16 requests a worker
/// takes, one is of the lowest priority that waits, and of every 4 one is not high, so that none starves.
enum class priority : std::uint8_t { high, normal, low };
inline constexpr std::size_t priority_count = 3;

}  // namespace mayfly
