#include "audit_at_end.hpp"
#include "canary_report.hpp"
#include <mayfly/detail/closed_arena.hpp>
#include <mayfly/detail/mutant.hpp>
#include <mayfly/detail/thread_id.hpp>
#include <mayfly/schedule_point.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <cassert>
#include <cstddef>
#include <string>

namespace mayfly {
namespace {

std::atomic<std::uint64_t> last_thread_key{0};

std::string mismatch_message(scope_id wanted, scope_id current) {
  return "memory of scope " + to_string(wanted) + " was asked for on a thread whose current scope is " +
         to_string(current) + ": enter the scope there first (scope_entry, parallel_for, task_group or bind)";
}

}  // namespace

char const* to_string(scope_phase phase) noexcept {
  switch (phase) {
    case scope_phase::free:
      return "free";
    case scope_phase::queued:
      return "queued";
    case scope_phase::running:
      return "running";
    case scope_phase::completing:
      return "completing";
    case scope_phase::held:
      return "held";
    case scope_phase::closing:
      return "closing";
  }
  return "unknown";
}

scope_mismatch::scope_mismatch(scope_id wanted, scope_id current)
    : std::logic_error{mismatch_message(wanted, current)} {}

std::uint64_t detail::assign_thread_key() noexcept {
  // Relaxed: only uniqueness is wanted.
  assigned_thread_key = last_thread_key.fetch_add(1, std::memory_order_relaxed) + 1;
  return assigned_thread_key;
}

// ---- life

scope::scope(scope_registry& registry, page_pool& pool, std::uint32_t slot_index) noexcept
    : slot_index_{slot_index}, slot_number_{registry.range_.first() + slot_index}, registry_{&registry}, main_{pool} {
// Every compiler we know has offsets for a class with a base.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
  constexpr std::size_t line = 64;
  static_assert(alignof(scope) % line == 0);
  static_assert(offsetof(scope, main_) % line + 2 * sizeof(void*) <= line,
                "what an allocation reads and writes of the arena inside is one cache line");
  static_assert(offsetof(scope, serving_) / line == offsetof(scope, main_) / line,
                "and what its memory resource looks at is in it too");
  static_assert(offsetof(scope, context_) / line <= offsetof(scope, main_) / line + 1,
                "with all that a request's thread writes at its beginning and its end it takes two");
  static_assert(offsetof(scope, control_) / line < offsetof(scope, route_data_) / line &&
                    offsetof(scope, lanes_) / line < offsetof(scope, id_) / line &&
                    offsetof(scope, main_) / line < offsetof(scope, budget_) / line,
                "what other threads write is on other lines than what the owner writes at each allocation");
#pragma GCC diagnostic pop
}

/// The registry before has ended, and with it all that might have been here.
void scope::move_in(scope_registry& registry, page_pool& pool, std::uint32_t slot_index) noexcept {
  slot_index_ = slot_index;
  slot_number_.store(registry.range_.first() + slot_index,
                     std::memory_order_relaxed);  // relaxed: slot-limit publishes it
  registry_ = &registry;
  main_ = mayfly::arena{pool};
}

std::string_view scope::route() const noexcept { return {route_data_.get(), route_size_.get()}; }

scope_clock::time_point scope::deadline() const noexcept {
  return scope_clock::time_point{scope_clock::duration{deadline_.get()}};
}

scope_clock::time_point scope::opened() const noexcept {
  return scope_clock::time_point{scope_clock::duration{opened_.get()}};
}

std::int32_t scope::opener_thread() const noexcept { return opener_thread_.get(); }

scope_phase scope::phase() const noexcept {
  // Relaxed: for people to look at. Derived, since whoever ends a scope that is pinned may not write to it after.
  bool const live = (control_.load(std::memory_order_relaxed) & detail::scope_control::live_bit) != 0;
  return live ? phase_.get() : scope_phase::closing;
}

stop_token scope::token() const noexcept {
  return {const_cast<scope&>(*this), id_.generation()};  // it only asks
}

scope_hold scope::hold() noexcept {
  assert(phase() != scope_phase::closing && "a scope is held from inside it or from another hold");
  control_.hold();
  return scope_hold{*this};
}

void scope::close() noexcept { close_tenancy(id_.generation()); }

/// False, and nothing is done, where that tenant has ended or been closed already.
bool scope::close_tenancy(std::uint64_t generation) noexcept {
  detail::scope_end const end = control_.close(generation);
  if (end == detail::scope_end::held) {
    set_phase(scope_phase::held);
    drop_hold();
  } else {
    tear_down_if(end);
  }
  return end != detail::scope_end::refused;
}

/// Runs on whichever thread made the scope unreachable (S3): every destructor, and only then does the first page go
/// (S6).
void scope::tear_down() noexcept {
  // Relaxed: sync scope-hold has shown us every lane.
  detail::lane* lane = lanes_.load(std::memory_order_relaxed);
  if ((lane != nullptr || main_.has_destructors()) && !MAYFLY_MUTANT("destructor-after-its-page")) run_destructors();
  if (detail::current.active == this) detail::current = {};  // S7, where it was closed inside its own entry
  bool const looks = registry_->looks_at_ends_;
  if (looks && registry_->audits(id_)) [[unlikely]]
    detail::audit_at_end(*this);  // S11
  if constexpr (detail::canaries) detail::closing_scope = this;
  if (looks && registry_->guards(id_)) [[unlikely]] {
    quarantine_memory();
    lane = lanes_.load(std::memory_order_relaxed);  // relaxed: as above
  }
  while (lane != nullptr && !MAYFLY_MUTANT("close-forgets-lanes")) {
    mayfly::arena last = std::move(lane->memory);  // the lane lies in a page of its own arena
    lane = lane->next;
    last.reset();
    lanes_.store(lane, std::memory_order_relaxed);  // relaxed: published by the slot's way through the free list
  }
  main_.close();  // without a refund: all that is charged now is main_'s
  budget_.restart(byte_budget::unlimited);
  if constexpr (detail::canaries) detail::closing_scope = nullptr;
  closer_thread_.publish(detail::this_thread_id());
  registry_->give_slot(*this, id_.generation() + 1);
}

/// Until the slot is free the scope itself keeps the registry waiting, from then on the count does.
void scope::tear_down_late() noexcept {
  scope_registry& registry = *registry_;
  registry.late_ends_.fetch_add(1, std::memory_order_relaxed);  // relaxed: published with the slot, see idle()
  tear_down();
  // sync scope-left: release; pairs with idle(); this thread touches the registry no more
  registry.late_ends_.fetch_sub(1, std::memory_order_release);
}

/// Inside the scope: lanes before the arena inside it, newest first, and again while destructors make new objects.
void scope::run_destructors() noexcept {
  detail::saved_scope const before;
  detail::current = {.active = this, .lane = &main_, .ending = true};
  adopt();
  detail::lane* const newest = lanes_.load(std::memory_order_relaxed);  // relaxed: as in tear_down()
  bool more = true;
  while (more) {
    for (auto* lane = newest; lane != nullptr; lane = lane->next) lane->memory.run_destructors();
    main_.run_destructors();
    more = false;
    for (auto* lane = newest; lane != nullptr; lane = lane->next) more = more || lane->memory.has_destructors();
  }
  before.restore();  // S7: nothing, where that is this scope itself
}

// ---- lanes

arena& scope::find_arena() {
  detail::thread_scope& here = detail::current;
  if (here.active != this) {
    throw scope_mismatch{id_, here.active == nullptr ? scope_id{} : here.active->id()};
  }
  std::uint64_t const key = detail::this_thread_key();
  if (main_thread_.load(std::memory_order_relaxed) == key) {  // relaxed: see adopt()
    here.lane = &main_;
    return main_;
  }
  // sync lane: acquire; pairs with make_lane(); reads the links and keys of lanes made by other threads
  for (auto* lane = lanes_.load(std::memory_order_acquire); lane != nullptr; lane = lane->next) {
    if (lane->thread_key == key) {
      here.lane = &lane->memory;
      return lane->memory;
    }
  }
  here.lane = &make_lane(key);
  return *here.lane;
}

arena& scope::make_lane(std::uint64_t key) {
  mayfly::arena memory{main_.pool(), {.budget = &budget_, .owner_tag = id_.bits()}};
  void* const place = memory.allocate(sizeof(detail::lane), alignof(detail::lane));
  auto* const lane = ::new (place) detail::lane{std::move(memory), key, nullptr};
  lane->next = lanes_.load(std::memory_order_relaxed);  // relaxed: only its value is used, the exchange checks it
  // Lock-free: a failure means that another lane got in. No ABA: lanes only ever go as a whole, after all threads left.
  do {
    MAYFLY_SCHEDULE_POINT("lane-push");
    // sync lane: release; pairs with find_arena(); publishes the lane's fields
  } while (!lanes_.compare_exchange_weak(
      lane->next, lane, MAYFLY_MUTANT("unpublished-lane") ? std::memory_order_relaxed : std::memory_order_release,
      std::memory_order_relaxed));
  return lane->memory;
}

arena_usage scope::usage() const noexcept {
  arena_usage sum = main_.usage();
  // sync lane: acquire; pairs with make_lane(); reads the lanes' fields
  for (auto* lane = lanes_.load(std::memory_order_acquire); lane != nullptr; lane = lane->next) {
    sum += lane->memory.usage();
  }
  return sum;
}

std::size_t scope::lane_count() const noexcept {
  std::size_t count = 0;
  // sync lane: acquire; pairs with make_lane(); reads the lanes' links
  for (auto* lane = lanes_.load(std::memory_order_acquire); lane != nullptr; lane = lane->next) ++count;
  return count;
}

}  // namespace mayfly
