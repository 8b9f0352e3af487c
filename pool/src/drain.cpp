#include "executor_core.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace mayfly {
namespace {

void print(std::ostream& out, char const* what, std::vector<straggler> const& those) {
  for (straggler const& one : those) {
    out << "\n  " << what << ": " << to_string(one.id) << " " << one.route << ", " << one.phase << ", for "
        << std::chrono::duration_cast<std::chrono::milliseconds>(one.age).count() << " ms";
  }
}

}  // namespace

std::string drain_report::to_string() const {
  std::ostringstream out;
  out << (complete() ? "drained" : "not drained") << ": " << found << " in flight, " << cancelled.size()
      << " cancelled, " << remaining.size() << " remaining, after "
      << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms";
  if (timers_dropped != 0) out << "\n  timers dropped: " << timers_dropped;
  print(out, "cancelled", cancelled);
  print(out, "remaining", remaining);
  return out.str();
}

namespace detail {
namespace {

using clock = std::chrono::steady_clock;

/// `from` + `length`, or for ever.
clock::time_point later(clock::time_point from, std::chrono::nanoseconds length) noexcept {
  if (length >= clock::time_point::max() - from) return clock::time_point::max();
  return from + std::max(length, std::chrono::nanoseconds{0});
}

}  // namespace

drain_report executor_core::drain(std::chrono::nanoseconds soft, std::chrono::nanoseconds hard) {
  if (worker const* const caller = this_worker(); caller != nullptr && &caller->core == this) {
    throw std::logic_error("executor::drain() on a worker would wait for the request that called it");
  }
  drain_report report;
  if (in_forked_child()) return report;  // nothing runs here, and nothing ever will
  std::scoped_lock const one_at_a_time(drain_mutex_);
  clock::time_point const start = clock::now();
  report.timers_dropped = timers_.close();  // first: a timer has fired into an open ring, or not at all
  close_rings();
  report.found = registry_.unfinished();
  if (!wait_until_idle(later(start, soft))) {
    report.cancelled = list_unfinished();
    std::erase_if(report.cancelled, [this](straggler const& one) { return !registry_.request_cancel(one.id); });
    if (!wait_until_idle(later(clock::now(), hard))) report.remaining = list_unfinished();
  }
  report.took = clock::now() - start;
  return report;
}

/// Looks every millisecond: workers then need not tell anybody of each request's end.
bool executor_core::wait_until_idle(clock::time_point until) const {
  while (registry_.unfinished() != 0) {
    if (clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

std::vector<straggler> executor_core::list_unfinished() const {
  std::vector<straggler> all;
  clock::time_point const now = clock::now();
  registry_.for_each_unfinished([&](scope_info const& one) {
    all.push_back({one.id, std::string(one.route), mayfly::to_string(one.phase),
                   std::max<clock::duration>(now - one.opened, clock::duration::zero())});
  });
  return all;
}

}  // namespace detail
}  // namespace mayfly
