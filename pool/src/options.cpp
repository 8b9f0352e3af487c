#include "options.hpp"

#include "processors.hpp"
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/scope_id.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace mayfly::detail {
namespace {

[[noreturn]] void refuse(std::string const& name, std::string const& value, std::string const& allowed) {
  throw std::invalid_argument("executor_options." + name + " is " + value + "; allowed: " + allowed);
}

void require_at_most(char const* name, std::size_t value, std::size_t most) {
  if (value > most) refuse(name, std::to_string(value), "1 to " + std::to_string(most) + ", or 0 to choose");
}

void check_name(std::string const& name) {
  bool const printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (name.empty() || name.size() > 10 || !printable) {
    refuse("name", "\"" + name + "\"", "1 to 10 printable characters without spaces (a thread name has room for 15)");
  }
}

/// As the registry would, but by the names that the caller knows.
void check_guard(guard_options const& guard, page_pool const* pages, page_pool_options const& own) {
  constexpr std::uint32_t most_pages = page_quarantine::most_pages;
  if (guard.quarantine_pages < 1 || guard.quarantine_pages > most_pages) {
    refuse("guard.quarantine_pages", std::to_string(guard.quarantine_pages), "1 to " + std::to_string(most_pages));
  }
  std::size_t const page = pages != nullptr ? pages->class_bytes(0) : own.class_bytes[0];
  if (guard.quarantine_bytes < page) {
    refuse("guard.quarantine_bytes", std::to_string(guard.quarantine_bytes),
           "at least one page, " + std::to_string(page));
  }
}

}  // namespace

executor_options resolve(executor_options const& asked) {
  executor_options options = asked;
  require_at_most("workers", options.workers, executor_options::most_workers);
  require_at_most("max_workers", options.max_workers, executor_options::most_workers);
  require_at_most("max_in_flight", options.max_in_flight, executor_options::most_in_flight);
  require_at_most("max_queued", options.max_queued, executor_options::most_in_flight);
  if (options.workers == 0) {
    options.workers = std::clamp<std::size_t>(usable_processors(), 2, executor_options::most_workers);
    if (options.max_workers != 0) options.workers = std::min(options.workers, options.max_workers);
  }
  if (options.max_workers == 0) options.max_workers = options.workers;
  if (options.max_workers < options.workers) {
    refuse("max_workers", std::to_string(options.max_workers),
           "workers, " + std::to_string(options.workers) + ", to " + std::to_string(executor_options::most_workers) +
               ", or 0 for workers");
  }
  if (options.max_in_flight == 0) {
    // Whoever sets max_queued alone means to have as many accepted.
    options.max_in_flight = std::max<std::size_t>(1024, options.max_queued) + 32 * options.max_workers;
    options.max_in_flight = std::min(options.max_in_flight, executor_options::most_in_flight);
  }
  if (options.max_queued == 0) options.max_queued = options.max_in_flight;

  if (options.idle_spin.count() < 0 || options.idle_spin > executor_options::longest_idle_spin) {
    refuse("idle_spin", std::to_string(options.idle_spin.count()) + " ns",
           "0 to " + std::to_string(executor_options::longest_idle_spin.count()) + " ns");
  }
  if (options.trim_interval.count() != 0 && (options.trim_interval < executor_options::least_trim_interval ||
                                             options.trim_interval > executor_options::longest_trim_interval)) {
    refuse("trim_interval", std::to_string(options.trim_interval.count()) + " ns", "0, or 100 ms to an hour");
  }
  if (options.time_slice.count() != 0 && (options.time_slice < executor_options::least_time_slice ||
                                          options.time_slice > executor_options::longest_time_slice)) {
    refuse("time_slice", std::to_string(options.time_slice.count()) + " ns",
           "0, or " + std::to_string(executor_options::least_time_slice.count()) + " to " +
               std::to_string(executor_options::longest_time_slice.count()) + " ns");
  }
  if (options.max_timers < 1 || options.max_timers > executor_options::most_timers) {
    refuse("max_timers", std::to_string(options.max_timers), "1 to " + std::to_string(executor_options::most_timers));
  }
  if (options.worker_stack_bytes < executor_options::least_worker_stack_bytes) {
    refuse("worker_stack_bytes", std::to_string(options.worker_stack_bytes),
           "at least " + std::to_string(executor_options::least_worker_stack_bytes));
  }
  if (options.pages != nullptr && options.page_budget_bytes != 0) {
    refuse("page_budget_bytes", std::to_string(options.page_budget_bytes),
           "0 when pages is given: the budget is that pool's max_bytes");
  }
  if (options.pages != nullptr && options.common_budget != nullptr) {
    refuse("common_budget", "given", "null when pages is given: that pool has the one it was made with");
  }
  if (options.first_page_class >= page_pool::classes) {
    refuse("first_page_class", std::to_string(options.first_page_class),
           "0 to " + std::to_string(page_pool::classes - 1));
  }
  if (options.egress != egress_action::refuse && options.egress != egress_action::log &&
      options.egress != egress_action::abort) {
    refuse("egress", std::to_string(static_cast<unsigned>(options.egress)), "refuse, log or abort");
  }
  if (options.audit.one_in != 0 && options.audit.most_bytes == 0) {
    refuse("audit.most_bytes", "0", "at least 1 where audit.one_in is not 0: it would search nothing");
  }
  if (options.first_generation < 1 || options.first_generation > scope_id::largest_generation) {
    refuse("first_generation", std::to_string(options.first_generation),
           "1 to " + std::to_string(scope_id::largest_generation));
  }
  check_guard(options.guard, options.pages, options.page_options);
  check_name(options.name);
  return options;
}

}  // namespace mayfly::detail
