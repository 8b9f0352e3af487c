#include "canary_report.hpp"
#include <mayfly/detail/closed_arena.hpp>
#include <mayfly/detail/fault_handler.hpp>
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/detail/tenancy_report.hpp>
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
      audit_{options.audit},
      looks_at_ends_{options.guard.one_in != 0 || options.audit.one_in != 0} {
  first_generation_ = std::max({options.first_generation, range_.fresh_generation(), memory_.fresh_generation()});
  if (!memory_ || !free_.ready()) {
    throw allocation_error{refusal::system, 0, 0, capacity_ * sizeof(scope), errno};
  }
  if constexpr (detail::canaries) detail::report_canaries();
  detail::set_closed_arena_handler(&detail::tell_of_late_arena);
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
    using control_word = detail::scope_control;
    std::uint64_t const control = slots_[slot].control_.load(std::memory_order_relaxed);
    std::uint64_t const generation = control_word::generation_of(control);
    bool const ended = (control & (control_word::live_bit | control_word::pins_mask)) == 0;
    assert(ended && "a scope, or a pin on one, outlives its registry");
    // The control word of a free slot names the next tenant; that of a retired one nobody.
    std::uint64_t const next = generation == 0 ? scope_id::largest_generation + 1 : generation + (ended ? 0 : 1);
    fresh = std::max(fresh, next);
    slots_[slot].main_.reset();
    // Who comes late from now on is not told the route: its text may go with the registry.
    slots_[slot].route_size_.publish(0);
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
  std::uint32_t slot = free_.take_index(slot_class);
  if (slot == detail::recycler::no_item) [[unlikely]]
    slot = take_rare_slot();
  if (slot == detail::recycler::no_item) [[unlikely]]
    return nullptr;
  scope& opened = slots_[slot];
  std::uint64_t const generation = opened.control_.next_generation();  // S4
  opened.id_ = scope_id{range_.first() + slot, generation};
  opened.serving_ = opened.memory();
  opened.control_.start_holds();
  auto const start = options.opened == scope_clock::time_point::min() ? scope_clock::now() : options.opened;
  opened.opened_.publish(start.time_since_epoch().count());  // first: see tenancy_report::complete()
  opened.route_data_.publish(options.route.data());
  opened.route_size_.publish(options.route.size());
  opened.deadline_.publish(options.deadline.time_since_epoch().count());
  opened.opener_thread_.publish(detail::this_thread_id());
  opened.phase_.publish(options.phase);
  opened.parent_ = options.parent;
  opened.parent_generation_ = options.parent == nullptr ? 0 : options.parent->id_.generation();
  opened.budget_.restart(options.byte_budget);
  opened.main_.restart({.budget = &opened.budget_, .owner_tag = opened.id_.bits(), .first_class = options.first_class});
  opened.adopt();
  opened.control_.open(generation);
  return &opened;
}

bool scope_registry::close(scope_id id) noexcept {
  scope* const found = slot_of(id);
  return found != nullptr && found->close_tenancy(id.generation());
}

/// Where this thread and the depot have none; no_item: the registry is full.
std::uint32_t scope_registry::take_rare_slot() noexcept {
  // S9. A slot that another thread is just moving between its magazines can be overlooked: hence more than one round.
  for (int round = 1; true; ++round) {
    if (auto const fresh = take_fresh_slot()) return *fresh;
    detail::index_chain const stolen = free_.steal(slot_class);
    if (!stolen.empty()) {
      free_.push(slot_class, stolen.tail(free_.links()));
      return stolen.head();
    }
    if (round == takes_before_full) return detail::recycler::no_item;
    std::uint32_t const slot = free_.take_index(slot_class);
    if (slot != detail::recycler::no_item) return slot;
  }
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
  slots_[slot].control_.set_free(first_generation_);
  // sync slot-limit: release; pairs with for_each_live() and slot_of(); publishes the constructed slot
  used_limit_.store(slot + 1, std::memory_order_release);
  return slot;
}

/// The slot's scope has been torn down: the slot is free for the next, or retires (S1).
void scope_registry::give_slot(scope& ended, std::uint64_t next_generation) noexcept {
  std::uint32_t const slot = ended.slot_index_;
  bool const used_up = next_generation > scope_id::largest_generation;
  MAYFLY_SCHEDULE_POINT("scope-give-slot");
  ended.control_.set_free(used_up ? 0 : next_generation);
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

std::optional<scope_info> scope_registry::look(std::uint32_t slot, std::optional<scope_id> wanted,
                                               std::uint64_t bits) const noexcept {
  scope const& seen = slots_[slot];
  scope_info info;
  auto const generation = wanted ? std::optional{wanted->generation()} : std::nullopt;
  auto const control = seen.control_.look(
      generation,
      [&](std::uint64_t found) {
        info.id = scope_id{range_.first() + slot, found};
        char const* const route = seen.route_data_.read();
        info.route = {route, seen.route_size_.read()};
        info.opened = scope_clock::time_point{scope_clock::duration{seen.opened_.read()}};
        info.deadline = scope_clock::time_point{scope_clock::duration{seen.deadline_.read()}};
        info.opener_thread = seen.opener_thread_.read();
        info.phase = seen.phase_.read();
        info.reserved_bytes = seen.reserved_bytes();  // relaxed: a figure, not part of S5
      },
      bits);
  if (!control) return std::nullopt;
  if ((*control & detail::scope_control::live_bit) == 0) info.phase = scope_phase::closing;
  info.stop_requested = (*control & detail::scope_control::cancelled_bit) != 0;
  return info;
}

scope_pin scope_registry::pin(scope_id id) noexcept {
  scope* const found = slot_of(id);
  return found == nullptr ? scope_pin{} : scope_pin::of(*found, id.generation());
}

bool scope_registry::request_cancel(scope_id id) noexcept {
  scope* const found = slot_of(id);
  if (found == nullptr) return false;
  return found->control_.request_cancel(id.generation());
}

std::size_t scope_registry::live() const noexcept {
  std::size_t count = 0;
  for_each_live([&count](scope_info const&) { ++count; });
  return count;
}

std::size_t scope_registry::unfinished() const noexcept {
  std::size_t count = 0;
  for_each_unfinished([&count](scope_info const&) { ++count; });
  return count;
}

bool scope_registry::idle() const noexcept {
  if (unfinished() != 0) return false;
  // sync scope-left: acquire; pairs with tear_down_late(); those threads touch the registry no more. Not read too
  // early: each counted itself before it freed its slot, which has been seen.
  return late_ends_.load(std::memory_order_acquire) == 0;
}

}  // namespace mayfly
