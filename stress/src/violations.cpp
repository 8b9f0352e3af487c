#include <mayfly/stress/violations.hpp>

#include <utility>

namespace mayfly::stress {

void violation_log::add(std::optional<std::uint64_t> number, std::string expected, std::string seen) {
  count_.fetch_add(1, std::memory_order_relaxed);  // relaxed: see count()
  std::scoped_lock const lock(mutex_);
  if (kept_.size() < most_kept) kept_.push_back({number, std::move(expected), std::move(seen)});
}

std::vector<violation> violation_log::first() const {
  std::scoped_lock const lock(mutex_);
  return kept_;
}

}  // namespace mayfly::stress
