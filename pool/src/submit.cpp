#include "executor_core.hpp"
#include <mayfly/observer.hpp>

#include <algorithm>
#include <limits>
#include <optional>

#include <sched.h>

namespace mayfly::detail {
namespace {

using std::chrono::nanoseconds;

/// How much time the request has, from `now`; none: no deadline. Beyond 100 years there is none either.
std::optional<nanoseconds> time_left(submit_options const& options, scope_clock::time_point now) {
  constexpr nanoseconds eternity = std::chrono::hours{24 * 365 * 100};
  std::optional<nanoseconds> left = options.deadline;
  if (options.deadline_at) {
    // compared before it is subtracted: time_point::min() and max() are as good as any other
    nanoseconds const until = *options.deadline_at <= now             ? nanoseconds{0}
                              : *options.deadline_at > now + eternity ? nanoseconds::max()
                                                                      : *options.deadline_at - now;
    left = std::min(left.value_or(nanoseconds::max()), until);
  }
  if (left && *left > eternity) left.reset();
  return left;
}

admission_reason reason_for(index_ring::push_result result) noexcept {
  switch (result) {
    case index_ring::push_result::pushed:
      return admission_reason::accepted;
    case index_ring::push_result::full:
      return admission_reason::queue_full;
    case index_ring::push_result::closed:
      break;
  }
  return admission_reason::draining;
}

std::size_t ring_of(submit_options const& options) noexcept {
  return std::min(static_cast<std::size_t>(options.priority), priority_count - 1);
}

}  // namespace

void stop_link::operator()() const noexcept { registry->request_cancel(id); }

// Not inlined, not even in part: so that begin_request() is a jump here, and registers are saved once.
[[gnu::noinline]] submission executor_core::begin(submit_options const& options, std::size_t job_bytes,
                                                  std::size_t job_alignment) {
  auto const refused = [&](admission_reason reason) { return submission{.refusal = refuse(options, reason)}; };

  if (in_forked_child()) return refused(admission_reason::forked_child);
  admission_reason const queue = reason_for(rings_[ring_of(options)]->probe());
  if (queue != admission_reason::accepted) return refused(queue);

  cycle_clock::ticks const now = clock_.now();
  scope_options wanted{.route = options.route, .phase = scope_phase::queued, .opened = clock_.steady_at(now)};
  wanted.first_class = options_.first_page_class;
  cycle_clock::ticks deadline = 0;
  if (auto const left = time_left(options, wanted.opened)) {
    if (left->count() <= 0) return refused(admission_reason::expired);
    deadline = now + clock_.to_ticks(*left);
    wanted.deadline = wanted.opened + *left;
  }
  std::size_t const most = pages_->most_bytes();  // once: it may be moved meanwhile
  std::size_t const predicted = predicted_bytes(options, most);
  // Room for a first page at least.
  if (!pages_->has_room(std::max(predicted, pages_->class_bytes(0)))) return refused(admission_reason::over_budget);
  std::size_t const bytes = options.request_bytes != 0 ? options.request_bytes : options_.request_bytes;
  if (bytes != 0) wanted.byte_budget = bytes;

  if (predicted != 0 && !promised_.try_charge(predicted, most)) return refused(admission_reason::over_budget);
  scope* const opened = registry_.open(wanted);
  if (opened == nullptr) {
    unpromise(predicted);
    return refused(admission_reason::queue_full);
  }
  request_record& record = records_[opened->slot_index()];
  record.owner = opened;
  record.submitted = now;
  record.deadline = deadline;
  record.promised_bytes = predicted;
  record.job = record.storage;
  if (!request_record::fits(job_bytes, job_alignment)) {
    record.job = opened->main_arena().try_allocate(job_bytes, job_alignment);
    if (record.job == nullptr) {
      opened->close();
      unpromise(predicted);
      return refused(admission_reason::over_budget);
    }
  }
  return {.record = &record, .storage = record.job};
}

[[gnu::noinline]] admission executor_core::commit(submission& taken, job_functions const* functions,
                                                  submit_options const& options) noexcept {
  request_record& record = *taken.record;
  scope& opened = *record.owner;
  scope_id const id = opened.id();
  record.functions = functions;
  record.stop_linked = options.stop.stop_possible();
  if (record.stop_linked) record.link_stop(options.stop, {&registry_, id});

  // sync ring-cell: the push publishes the record, the job and the scope to the worker that pops them
  admission_reason const reason = reason_for(rings_[ring_of(options)]->push(opened.slot_index()));
  // From here on the request is the worker's: it may have ended by now.
  if (reason != admission_reason::accepted) {
    if (record.stop_linked) record.unlink_stop();
    return admission::refuse(refuse(options, reason));
  }
  announce();
  if (options_.observer != nullptr) options_.observer->on_open(id, options.route);
  return admission::accept(id);
}

admission_reason executor_core::refuse(submit_options const& options, admission_reason reason) noexcept {
  refused_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure for people
  if (options_.observer != nullptr) options_.observer->on_refused(options.route, reason);
  return reason;
}

void executor_core::abandon(submission& taken) noexcept {
  std::size_t const promised = taken.record->promised_bytes;
  taken.record->owner->close();
  unpromise(promised);
}

/// What requests of the route took lately. One that needs more than there is at all is tried when nothing else runs.
std::size_t executor_core::predicted_bytes(submit_options const& options, std::size_t most) const noexcept {
  return most == page_pool_options::unlimited ? 0 : std::min(forecasts_.of(options.route), most);
}

submission begin_request(executor_core& core, submit_options const& options, std::size_t job_bytes,
                         std::size_t job_alignment) {
  return core.begin(options, job_bytes, job_alignment);
}

admission commit_request(executor_core& core, submission& taken, job_functions const* functions,
                         submit_options const& options) noexcept {
  return core.commit(taken, functions, options);
}

void abandon_request(executor_core& core, submission& taken) noexcept { core.abandon(taken); }

admission_reason refuse_request(executor_core& core, submit_options const& options, admission_reason reason) noexcept {
  return core.refuse(options, reason);
}

/// Work was pushed: somebody must look at the queues (worker_gate.hpp, nested_help.hpp).
void executor_core::announce() noexcept {
  // relaxed: a hint, see idle()
  auto const note_processor = [this] { waker_processor_.store(sched_getcpu(), std::memory_order_relaxed); };
  if (gate_.wake_one(note_processor)) return;
  if (gate_.searching() == 0) help_->announce();
}

}  // namespace mayfly::detail
