#include "canary_report.hpp"
#include <mayfly/detail/fault_handler.hpp>
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/detail/thread_id.hpp>
#include <mayfly/schedule_point.hpp>
#include <mayfly/scope_registry.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>

namespace mayfly {
namespace {

constexpr std::uint32_t largest_capacity = 1U << 22U;
constexpr std::uint32_t magazine_slots = 32;
constexpr std::size_t slot_class = 0;  // the recycler's only class
constexpr int takes_before_full = 3;

[[noreturn]] void refuse_guard(std::string const& option, std::size_t value, std::string const& rule) {
  throw std::invalid_argument{"scope_registry_options.guard." + option + " is " + std::to_string(value) + ": " + rule};
}

guard_options checked(guard_options const& options, page_pool const& pool) {
  constexpr std::uint32_t most_pages = detail::page_quarantine::most_pages;
  if (options.quarantine_pages < 1 || options.quarantine_pages > most_pages) {
    refuse_guard("quarantine_pages", options.quarantine_pages, "must be 1 to " + std::to_string(most_pages));
  }
  if (options.quarantine_bytes < pool.class_bytes(0)) {
    refuse_guard("quarantine_bytes", options.quarantine_bytes,
                 "must hold at least one page, " + std::to_string(pool.class_bytes(0)));
  }
  return options;
}

scope_registry_options checked(scope_registry_options const& options) {
  if (options.capacity < 1 || options.capacity > largest_capacity) {
    throw std::invalid_argument{"scope_registry_options.capacity is " + std::to_string(options.capacity) +
                                ": must be 1 to " + std::to_string(largest_capacity)};
  }
  if (options.first_generation < 1 || options.first_generation > scope_id::largest_generation) {
    throw std::invalid_argument{"scope_registry_options.first_generation is " +
                                std::to_string(options.first_generation) + ": must be 1 to 2^40 - 1"};
  }
  return options;
}

}  // namespace

scope_registry::scope_registry(page_pool& pool, scope_registry_options const& options)
    : pool_{&pool},
      guard_{checked(options.guard, pool).one_in},
      capacity_{checked(options).capacity},
      range_{capacity_},
      memory_{capacity_ * sizeof(scope)},
      slots_{reinterpret_cast<scope*>(memory_.start())},
      free_{capacity_, 1, {magazine_slots, 1, 1, 1}},
      audit_{options.audit} {
  first_generation_ = std::max({options.first_generation, range_.fresh_generation(), memory_.fresh_generation()});
  if (!memory_ || !free_.ready()) {
    throw allocation_error{refusal::system, 0, 0, capacity_ * sizeof(scope), errno};
  }
  if constexpr (detail::canaries) detail::report_canaries();
  if (options.guard.one_in != 0) {
    pool.start_quarantine({.pages = options.guard.quarantine_pages, .bytes = options.guard.quarantine_bytes});
    detail::install_fault_handler();
  }
  start_listening();
}

scope_registry::~scope_registry() {
  stop_listening();
  // Nothing of a slot that was never used is given out, whatever first_generation was.
  std::uint64_t fresh = range_.fresh_generation();
  for (std::uint32_t slot = 0; slot < used_limit_.load(std::memory_order_relaxed); ++slot) {
    std::uint64_t const control = slots_[slot].control_.load(std::memory_order_relaxed);
    std::uint64_t const generation = control >> scope::generation_shift;
    bool const ended = (control & (scope::live_bit | scope::pins_mask)) == 0;
    assert(ended && "a scope, or a pin on one, outlives its registry");
    // The control word of a free slot names the next tenant; that of a retired one nobody.
    std::uint64_t const next = generation == 0 ? scope_id::largest_generation + 1 : generation + (ended ? 0 : 1);
    fresh = std::max(fresh, next);
    slots_[slot].main_.reset();
    // Who comes late from now on is not told the route: its text may go with the registry. Relaxed: a late look at it
    // while the registry ends is a caller's bug on top of another.
    slots_[slot].route_size_.store(0, std::memory_order_relaxed);
  }
  range_.used_below(fresh);
  memory_.used_below(fresh);
}

void scope_registry::exempt_from_audit(audit_exemption memory) noexcept {
  assert(exemption_count_ < exemptions_.size());
  if (exemption_count_ < exemptions_.size()) exemptions_[exemption_count_++] = memory;
}

// ---- opening and closing

scope* scope_registry::open(scope_options const& options) noexcept {
  auto const slot = take_slot();
  if (!slot) return nullptr;
  scope& opened = slots_[*slot];
  // Relaxed: while the slot is free only its taker writes here (S4), and it was handed to us by the free list.
  std::uint64_t const generation = opened.control_.load(std::memory_order_relaxed) >> scope::generation_shift;
  opened.id_ = scope_id{range_.first() + *slot, generation};
  opened.holds_.store(1, std::memory_order_relaxed);  // relaxed: published by the control word below
  auto const start = options.opened == scope_clock::time_point::min() ? scope_clock::now() : options.opened;
  // sync scope-fields: release, each; pairs with look(); a reader that sees our value sees that its own id has ended
  opened.route_data_.store(options.route.data(), std::memory_order_release);
  opened.route_size_.store(options.route.size(), std::memory_order_release);
  opened.opened_.store(start.time_since_epoch().count(), std::memory_order_release);
  opened.deadline_.store(options.deadline.time_since_epoch().count(), std::memory_order_release);
  opened.opener_thread_.store(detail::this_thread_id(), std::memory_order_release);
  opened.phase_.store(options.phase, std::memory_order_release);
  opened.parent_ = options.parent;
  opened.parent_generation_ = options.parent == nullptr ? 0 : options.parent->id_.generation();
  opened.budget_.restart(options.byte_budget);
  opened.main_.restart({.budget = &opened.budget_, .owner_tag = opened.id_.bits(), .first_class = options.first_class});
  opened.adopt();
  MAYFLY_SCHEDULE_POINT("scope-open");
  // sync scope-open: release; pairs with look(), pin(), close(); publishes the slot's fields
  opened.control_.store(generation << scope::generation_shift | scope::live_bit, std::memory_order_release);
  return &opened;
}

bool scope_registry::close(scope_id id) noexcept {
  scope* const found = slot_of(id);
  if (found == nullptr) return false;
  // sync scope-open: acquire; pairs with open()
  std::uint64_t control = found->control_.load(std::memory_order_acquire);
  while (true) {
    MAYFLY_SCHEDULE_POINT("scope-close");
    bool const same = control >> scope::generation_shift == id.generation();
    if (!same || (control & scope::live_bit) == 0 || (control & scope::closed_bit) != 0) return false;
    // sync scope-hold: acquire; pairs with drop_hold(). 1: all holds are gone, none can come, ours is the last part.
    bool const last = found->holds_.load(std::memory_order_acquire) == 1;
    std::uint64_t const next = last ? (control | scope::closed_bit) & ~scope::live_bit : control | scope::closed_bit;
    // Lock-free; no ABA: the generation is in the word (S2).
    // sync scope-pin: acquire and release; pairs with unpin(), as in end_life()
    if (!found->control_.compare_exchange_weak(control, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
      continue;
    }
    if (!last) {
      found->set_phase(scope_phase::held);
      found->drop_hold();
    } else if ((next & scope::pins_mask) == 0) {
      found->tear_down();
    }
    return true;
  }
}

std::optional<std::uint32_t> scope_registry::take_slot() noexcept {
  // S9. A slot that another thread is just moving between its magazines can be overlooked: hence more than one round.
  for (int round = 0; round < takes_before_full; ++round) {
    if (auto const slot = free_.take(slot_class)) return slot;
    if (auto const slot = take_fresh_slot()) return slot;
    detail::index_chain const stolen = free_.steal(slot_class);
    if (stolen.empty()) continue;
    free_.push(slot_class, stolen.tail(free_.links()));
    return stolen.head();
  }
  return std::nullopt;
}

/// A slot nobody of this registry has used: makes the scope in it. Takes a lock, as often as there are slots.
std::optional<std::uint32_t> scope_registry::take_fresh_slot() noexcept {
  // Relaxed: full for good once it is.
  if (used_limit_.load(std::memory_order_relaxed) == capacity_) return std::nullopt;
  std::scoped_lock const lock{fresh_mutex_};
  std::uint32_t const slot = used_limit_.load(std::memory_order_relaxed);  // relaxed: written under this lock
  if (slot == capacity_) return std::nullopt;
  if (slot < memory_.made()) {
    slots_[slot].move_in(*this, *pool_, slot);
  } else {
    ::new (static_cast<void*>(slots_ + slot)) scope{*this, *pool_, slot};
    memory_.made_one();
  }
  slots_[slot].control_.store(first_generation_ << scope::generation_shift,
                              std::memory_order_relaxed);  // relaxed: below
  // sync slot-limit: release; pairs with for_each_live() and slot_of(); publishes the constructed slot
  used_limit_.store(slot + 1, std::memory_order_release);
  return slot;
}

/// The slot's scope has been torn down: the slot is free for the next, or retires (S1).
void scope_registry::give_slot(scope& ended, std::uint64_t next_generation) noexcept {
  std::uint32_t const slot = ended.slot_index_;
  bool const used_up = next_generation > scope_id::largest_generation;
  MAYFLY_SCHEDULE_POINT("scope-give-slot");
  // sync scope-fields: release; pairs with look(); comes before anything the next tenant writes
  ended.control_.store(used_up ? 0 : next_generation << scope::generation_shift, std::memory_order_release);
  if (used_up) {
    retired_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
    return;
  }
  free_.push(slot_class, free_.give(slot_class, slot));
}

// ---- finding

scope* scope_registry::slot_of(scope_id id) const noexcept {
  std::uint32_t const slot = id.slot() - range_.first();
  // sync slot-limit: acquire; pairs with take_fresh_slot(); the slot has been constructed
  return slot < used_limit_.load(std::memory_order_acquire) ? slots_ + slot : nullptr;
}

std::optional<scope_info> scope_registry::find(scope_id id) const noexcept {
  std::uint32_t const slot = id.slot() - range_.first();
  if (slot_of(id) == nullptr) return std::nullopt;
  return look(slot, id);
}

/// Reads the fields between two looks at the control word, as a sequence lock does (S5). The fields' own acquire loads
/// keep the second look behind them, so no fence is needed.
std::optional<scope_info> scope_registry::look(std::uint32_t slot, std::optional<scope_id> wanted) const noexcept {
  scope const& seen = slots_[slot];
  // sync scope-open: acquire; pairs with open(); reads the slot's fields
  std::uint64_t const before = seen.control_.load(std::memory_order_acquire);
  std::uint64_t const generation = before >> scope::generation_shift;
  if ((before & scope::live_bit) == 0) return std::nullopt;
  if (wanted && wanted->generation() != generation) return std::nullopt;
  scope_info info;
  info.id = scope_id{range_.first() + slot, generation};
  // sync scope-fields: acquire, each; pairs with open(); a newer tenant's value shows below that this one has ended
  char const* const route = seen.route_data_.load(std::memory_order_acquire);
  std::size_t const route_size = seen.route_size_.load(std::memory_order_acquire);
  info.opened = scope_clock::time_point{scope_clock::duration{seen.opened_.load(std::memory_order_acquire)}};
  info.deadline = scope_clock::time_point{scope_clock::duration{seen.deadline_.load(std::memory_order_acquire)}};
  info.opener_thread = seen.opener_thread_.load(std::memory_order_acquire);
  info.phase = seen.phase_.load(std::memory_order_acquire);
  info.reserved_bytes = seen.reserved_bytes();  // relaxed: a figure, not part of S5
  MAYFLY_SCHEDULE_POINT("scope-look");
  // Relaxed: ordered behind the loads above by their acquire.
  std::uint64_t const after = seen.control_.load(std::memory_order_relaxed);
  if (after >> scope::generation_shift != generation || (after & scope::live_bit) == 0) return std::nullopt;
  info.route = {route, route_size};
  info.stop_requested = (after & scope::cancelled_bit) != 0;
  return info;
}

scope_pin scope_registry::pin(scope_id id) noexcept {
  scope* const found = slot_of(id);
  return found == nullptr ? scope_pin{} : scope_pin::of(*found, id.generation());
}

bool scope_registry::request_cancel(scope_id id) noexcept {
  scope* const found = slot_of(id);
  if (found == nullptr) return false;
  std::uint64_t control = found->control_.load(std::memory_order_relaxed);  // relaxed: the exchange checks it
  while (control >> scope::generation_shift == id.generation() && (control & scope::live_bit) != 0) {
    if ((control & scope::cancelled_bit) != 0) return true;
    MAYFLY_SCHEDULE_POINT("scope-cancel");
    // Relaxed: the flag orders nothing, it is polled. Lock-free; no ABA: the generation is in the word (S2).
    if (found->control_.compare_exchange_weak(control, control | scope::cancelled_bit, std::memory_order_relaxed,
                                              std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

std::size_t scope_registry::live() const noexcept {
  std::size_t count = 0;
  for_each_live([&count](scope_info const&) { ++count; });
  return count;
}

}  // namespace mayfly
