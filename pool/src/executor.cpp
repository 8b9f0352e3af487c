#include "executor_core.hpp"
#include <mayfly/executor.hpp>

#include <algorithm>

namespace mayfly {

executor::executor(executor_options const& options) : core_(std::make_unique<detail::executor_core>(options)) {}

executor::~executor() {
  // In a forked child there are no threads to end, and oneTBB's locks may be held by threads that do not exist here:
  // the memory is left as it is.
  if (!core_->in_forked_child()) return;
  [[maybe_unused]] detail::executor_core const* const left_alone = core_.release();
}

bool executor::request_cancel(scope_id id) noexcept { return core_->registry().request_cancel(id); }

bool executor::cancel_timer(timer_id timer) noexcept {
  return !core_->in_forked_child() && core_->waiting_timers().cancel(timer);
}

drain_report executor::drain(std::chrono::nanoseconds soft, std::chrono::nanoseconds hard) {
  return core_->drain(soft, hard);
}

void executor::set_page_budget(std::size_t bytes) {
  pages().set_max_bytes(bytes == 0 ? page_pool_options::unlimited : bytes);
}

void executor::set_workers(std::size_t count) { core_->set_workers(count); }

executor_stats executor::stats() const { return core_->stats(); }
std::vector<route_stats> executor::routes() const { return core_->routes(); }
executor_account executor::account() const { return core_->account(); }

bool executor::on_worker() const noexcept {
  detail::worker const* const caller = detail::this_worker();
  return caller != nullptr && &caller->core == core_.get();
}

std::size_t executor::workers() const noexcept { return core_->workers(); }
executor_options const& executor::options() const noexcept { return core_->options(); }
scope_registry& executor::registry() noexcept { return core_->registry(); }
page_pool& executor::pages() noexcept { return core_->pages(); }

admission_reason executor::refuse_on_worker(submit_options const& options) noexcept {
  return core_->refuse(options, admission_reason::on_worker);
}

/// A deadline from now becomes a point in time, which the waiting caller can use too.
void executor::fix_deadline(submit_options& options) noexcept {
  using clock = std::chrono::steady_clock;
  if (!options.deadline) return;
  clock::time_point const now = clock::now();
  clock::time_point const at =
      *options.deadline >= clock::time_point::max() - now ? clock::time_point::max() : now + *options.deadline;
  options.deadline_at = std::min(options.deadline_at.value_or(at), at);
  options.deadline.reset();
}

}  // namespace mayfly
