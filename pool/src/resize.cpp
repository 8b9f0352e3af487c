#include "executor_core.hpp"
#include <mayfly/detail/mutant.hpp>
#include <mayfly/schedule_point.hpp>

#include <stdexcept>
#include <string>

// How many workers there are. Nothing here is waited for by a request, and nothing waits for one: a worker that is to
// end does so between two requests, and one that is not wanted any more but has not gone stays when it is wanted again.
namespace mayfly::detail {

/// One after the other, each running before the next is made: a failure finds no half-started thread.
void executor_core::start_workers() {
  try {
    help_->start(options_.name);
    hire(options_.workers);
    bool const trims = own_pages_ && options_.trim_interval.count() != 0;
    if (trims) trimmer_.start(options_.name + "-trim", options_.trim_interval);
  } catch (...) {
    stop_workers();
    throw;
  }
}

void executor_core::set_workers(std::size_t count) {
  if (in_forked_child()) throw std::logic_error("executor::set_workers() in a forked child, which has no workers");
  if (count < 1 || count > options_.max_workers) {
    throw std::invalid_argument("executor::set_workers(" + std::to_string(count) + "); allowed: 1 to max_workers, " +
                                std::to_string(options_.max_workers));
  }
  std::scoped_lock const one_at_a_time(resize_mutex_);
  if (stopping()) return;  // by a handler, while the executor ends
  std::size_t const before = workers();
  if (count > before) hire(count - before);
  if (count < before) dismiss(before - count);
}

/// Who is to end and has not is kept; the others are started. All of them, or none is there that was not before.
void executor_core::hire(std::size_t missing) {
  std::size_t here = surplus_.take_back(missing);
  try {
    for (; here != missing; ++here) {
      start_worker(workers_.vacant([this](std::size_t index) {
        return std::make_unique<worker>(*this, index,
                                        route_profiles{clock_, first_page_costs_, options_.first_page_class});
      }));
    }
  } catch (...) {
    let_go(here);
    throw;
  }
  want(workers() + missing);
}

void executor_core::dismiss(std::size_t count) noexcept {
  want(workers() - count);
  let_go(count);
}

void executor_core::want(std::size_t count) noexcept {
  wanted_.store(count, std::memory_order_relaxed);  // relaxed: a figure; resize_mutex_ orders who changes it
  help_->set_workers(count);
}

/// So many are to end, whichever come by first. Those that sleep are woken, those in oneTBB's loop are fetched.
void executor_core::let_go(std::size_t count) noexcept {
  if (count == 0) return;
  surplus_.add(count);
  gate_.wake(static_cast<std::uint32_t>(count));
  help_->fetch_leavers();
}

void executor_core::start_worker(worker& idle) {
  idle.begin();
  try {
    std::string const name = options_.name + "-" + std::to_string(idle.index);
    idle.thread.start(name, options_.worker_stack_bytes, &executor_core::worker_main, &idle);
    idle.started->wait();
    if (idle.start_failure) std::rethrow_exception(idle.start_failure);
  } catch (...) {
    workers_.vacate(idle);
    throw;
  }
}

/// Whether the calling worker is one of those that are to end: then nothing is left for it but to return.
bool executor_core::leaves(worker& me) noexcept {
  if (!surplus_.claim()) return false;
  MAYFLY_SCHEDULE_POINT("executor.leave.claimed");
  // worker_gate::end_search(): for what this worker was relied on. Who stays looks again before it sleeps (P5).
  if (me.leaves_search && !MAYFLY_MUTANT("leaver-tells-nobody") && work_waits()) announce();
  workers_.vacate(me);
  return true;
}

}  // namespace mayfly::detail
