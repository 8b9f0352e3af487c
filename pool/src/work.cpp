#include "executor_core.hpp"
#include "fork_guard.hpp"
#include "onetbb_start.hpp"
#include "time_slice.hpp"
#include <mayfly/detail/fault_handler.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/observer.hpp>
#include <mayfly/schedule_point.hpp>
#include <mayfly/scope.hpp>

#include <tbb/task_arena.h>

#include <array>
#include <ctime>
#include <optional>

#include <sched.h>

namespace mayfly::detail {
namespace {

thread_local constinit worker* current_worker = nullptr;

void pause_a_little() noexcept {
#if defined(__x86_64__)
  for (int i = 0; i < 8; ++i) __builtin_ia32_pause();
#endif
}

/// A pusher that stays unfinished for longer than this has lost its processor, and needs one. Some 10 us of pauses.
constexpr std::uint32_t unfinished_spins = 64;
constexpr long unfinished_sleep_ns = 50'000;

/// Waits for a push that is claimed and not finished; `times`: how often it was met in a row.
void await_pusher(std::uint32_t times) noexcept {
  pause_a_little();
  MAYFLY_SCHEDULE_POINT("executor.work.unfinished");
  if (times % unfinished_spins != 0) return;
  // Not sched_yield(): where the pusher is on another processor's queue it comes back at once, again and again.
  timespec const a_while{0, unfinished_sleep_ns};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &a_while, nullptr);
}

using order = std::array<std::uint8_t, priority_count>;

/// Which queue a worker looks at first, on its nth request: see `priority` in executor_options.hpp.
constexpr std::uint32_t order_count = 16;
constexpr std::array<order, order_count> orders = [] {
  constexpr order lowest_first{2, 1, 0};
  constexpr order high_last{1, 2, 0};
  constexpr order as_named{0, 1, 2};
  std::array<order, order_count> all{};
  for (std::uint32_t turn = 0; turn < order_count; ++turn) all[turn] = turn % 4 == 3 ? high_last : as_named;
  all[order_count - 1] = lowest_first;
  return all;
}();

}  // namespace

worker* this_worker() noexcept { return current_worker; }

/// A worker thread's whole life. It enters the executor's oneTBB arena as one of its reserved threads and stays inside.
void* executor_core::worker_main(void* self) noexcept {
  worker& me = *static_cast<worker*>(self);
  executor_core& core = me.core;
  current_worker = &me;
  ask_for_time_slice(core.options_.time_slice);
  std::optional<signal_stack> faults;
  if (core.options_.guard.one_in != 0) faults.emplace();
  try {
    if (core.options_.effects != nullptr) me.effects = core.options_.effects->spawn_for_worker();
    start_onetbb();
    core.arena_->execute([&] {
      // One isolated call makes what oneTBB makes lazily, now, where a failure can still be told.
      tbb::this_task_arena::isolate([] {});
      me.started->count_down();
      core.work(me);
    });
  } catch (...) {
    me.start_failure = std::current_exception();
    me.started->count_down();
  }
  me.effects.reset();
  return nullptr;
}

void executor_core::work(worker& me) noexcept {
  std::uint32_t slot = 0;
  for (std::uint32_t unfinished = 0;;) {
    if (in_forked_child()) [[unlikely]]
      fork_guard::end_child();
    if (surplus_.count() != 0 && leaves(me)) [[unlikely]]
      return;
    if (!me.owes_request && help_->wanted_from_reserve()) {
      help_out(me);
    } else if (take(me, slot)) {
      if (me.leaves_search) {
        me.leaves_search = false;
        if (work_waits()) announce();  // worker_gate::end_search(): for what this worker was relied on
      }
      run_request(me, slot);
      me.owes_request = false;
      unfinished = 0;
    } else if (work_waits()) {
      await_pusher(++unfinished);
    } else if (help_->wanted()) {
      help_out(me);
    } else {
      MAYFLY_SCHEDULE_POINT("executor.work.found_none");
      if (!stopping()) {
        me.owes_request = false;
        idle(me);
      } else if (!work_waits()) {
        // Looked at once more: a request pushed since the look above told nobody, as this worker seemed busy. The rings
        // were closed before stopping_ was set, so nothing comes after this look.
        return;
      }
    }
  }
}

bool executor_core::take(worker& me, std::uint32_t& slot) noexcept {
  for (std::uint8_t const ring : orders[me.turn % order_count]) {
    if (rings_[ring]->pop(slot)) {
      ++me.turn;
      return true;
    }
  }
  return false;
}

/// Looks for work for a while, then sleeps until there is some. One worker that looks is enough: a second would only
/// hold a processor that the thread with the next request may be waiting for. On the processor of the thread that woke
/// a worker last, that is what any search would do.
void executor_core::idle(worker& me) noexcept {
  me.last_now = 0;
  me.leaves_search = true;
  // relaxed: a hint; a stale one makes for one search too many, or one too few
  bool const in_the_way = waker_processor_.load(std::memory_order_relaxed) == sched_getcpu();
  bool const looks = idle_spin_ticks_ != 0 && gate_.searching() == 0 && !in_the_way;
  gate_.begin_search();
  MAYFLY_SCHEDULE_POINT("executor.idle.searching");
  if (looks) {
    cycle_clock::ticks const start = clock_.now();
    do {
      if (should_wake()) return gate_.end_search();
      pause_a_little();
    } while (clock_.now() - start < idle_spin_ticks_);
  }
  if (gate_.park([this] { return should_wake(); })) me.figures.wakeups.add();
}

/// Steals nested work of running requests until released.
void executor_core::help_out(worker& me) noexcept {
  if (me.leaves_search) {
    me.leaves_search = false;
    if (work_waits()) announce();
  }
  if (help_->help(me.index, [this] { return work_waits(); })) me.figures.helped_regions.add();
  me.owes_request = true;
  me.last_now = 0;
}

/// One request from the queue to its end.
void executor_core::run_request(worker& me, std::uint32_t slot) noexcept {
  request_record& record = records_[slot];
  scope& in = *record.owner;
  cycle_clock::ticks start = me.last_now;  // the end of the one before, when it was just now
  if (start == 0 && (options_.statistics || record.deadline != 0)) start = clock_.now();

  start_verdict verdict = start_verdict::go;
  if (in.stop_requested()) {
    verdict = start_verdict::cancelled;
  } else if (record.deadline != 0 && start > record.deadline) {
    verdict = start_verdict::expired;
  }
  if (options_.statistics && verdict == start_verdict::go) {
    me.figures.queue_wait.record(clock_.to_ns(start - record.submitted));
  }

  in.adopt();
  in.set_phase(scope_phase::running);
  bool const adapts = options_.adaptive_first_page && verdict == start_verdict::go;
  route_profile* const known = adapts ? me.routes.find(in.route()) : nullptr;
  if (known != nullptr) in.main_arena().set_first_class(known->first_class());
  outcome_kind const kind = run_in_scope(me, record, in, verdict);
  if (known != nullptr) learn(me, *known, in, start);

  if (record.stop_linked) record.unlink_stop();
  me.figures.ended[static_cast<std::size_t>(kind)].add();
  if (options_.observer != nullptr) options_.observer->on_close(in.id(), in.route(), kind);
  unpromise(record.promised_bytes);
  in.close();  // the slot, and the record, may be another request's from here on

  if (!options_.statistics) return;
  me.last_now = clock_.now();
  if (verdict == start_verdict::go) me.figures.run_time.record(clock_.to_ns(me.last_now - start));
}

/// Remembers what the request took, for the next of its route.
void executor_core::learn(worker& me, route_profile& of, scope& ended, cycle_clock::ticks now) noexcept {
  arena const& own = ended.main_arena();
  bool const decided = me.routes.record(of, own.bumped_bytes(), ended.reserved_bytes() - own.room_bytes(), now);
  if (of.splits.due()) [[unlikely]]
    of.splits.sample(ended);
  if (decided && pages_->most_bytes() != page_pool_options::unlimited)
    forecasts_.set(ended.route(), of.forecast_bytes());
}

/// The handler and the completion, in the request's scope, isolated: whatever waits in there takes this request's
/// tasks only, so that no other request's body ever runs on top of it (D9).
outcome_kind executor_core::run_in_scope(worker& me, request_record& record, scope& in,
                                         start_verdict verdict) noexcept {
  outcome_kind kind = outcome_kind::cancelled;
  auto const isolated = [](auto const& body) {
    MAYFLY_MUTANT("missing-isolate") ? body() : tbb::this_task_arena::isolate(body);
  };
  isolated([&] {
    request_context context = context_access::make(*this, record, in, me.index);
    scope_entry const entered(in, in.main_arena());
    if (!me.effects) {
      kind = record.functions->run(record.job, context, verdict);
      return;
    }
    scope_id opened;
    try {
      opened = me.effects->enter_request_scope();
    } catch (...) {
      if (MAYFLY_MUTANT("no-scope-no-completion")) return;
      if (verdict == start_verdict::go) verdict = start_verdict::cancelled;  // the embedder could not open its scope
    }
    {
      scope_entry const innermost(in, in.main_arena());
      kind = record.functions->run(record.job, context, verdict);
    }
    me.effects->exit_request_scope(opened);
  });
  return kind;
}

}  // namespace mayfly::detail
