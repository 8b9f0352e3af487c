#include <mayfly/stress/ended_ids.hpp>

#include <string>

namespace mayfly::stress {

void check_ended(scope_registry& registry, scope_id id, std::optional<std::uint64_t> number, violation_log& into) {
  char const* seen = nullptr;
  if (registry.find(id)) seen = "find() gives a scope";
  if (registry.pin(id)) seen = "pin() gives a scope";
  if (registry.request_cancel(id)) seen = "request_cancel() says that it lives";
  if (seen != nullptr) into.add(number, "that id " + to_string(id) + ", whose scope has ended, is refused", seen);
}

void ended_ids::add(scope_id id, std::uint64_t number) noexcept {
  entry& at = ring_[next_.fetch_add(1, std::memory_order_relaxed) % kept];  // relaxed: only distinctness counts
  at.id.store(0, std::memory_order_relaxed);  // relaxed: at worst a complaint bears a later request's number
  at.number.store(number, std::memory_order_relaxed);
  at.id.store(id.bits(), std::memory_order_relaxed);  // relaxed: the registry's own edges are what is tried
}

bool ended_ids::check(std::size_t place, scope_registry& registry, violation_log& into) const {
  // relaxed: as in add()
  entry const& at = ring_[place % kept];
  std::uint64_t const id = at.id.load(std::memory_order_relaxed);
  std::uint64_t const number = at.number.load(std::memory_order_relaxed);
  if (id == 0 || at.id.load(std::memory_order_relaxed) != id) return false;
  check_ended(registry, scope_id::from_bits(id), number, into);
  return true;
}

}  // namespace mayfly::stress
