// Who comes late: what is known of the scope that was meant, and what the caller is told.

#include <mayfly/detail/closed_arena.hpp>
#include <mayfly/detail/tenancy_report.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_gone.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace mayfly {

scope_gone::scope_gone(scope_id ended, escape_rule rule) noexcept : id_{ended}, rule_{rule}, text_{} {
  std::snprintf(text_.data(), text_.size(), "%s: scope %u.%llu %s after it had ended", code(rule).data(), ended.slot(),
                static_cast<unsigned long long>(ended.generation()),
                rule == escape_rule::late_call ? "was entered by a function bound to it" : "was asked for memory");
}

namespace detail {

namespace {

bool is_there(std::uint64_t control) noexcept { return (control & scope_control::tenancy_bits) != 0; }

/// The last tenancy that has begun: a free slot names the one to come, a retired one nobody.
std::uint64_t last_in(std::uint64_t control) noexcept {
  std::uint64_t const present = scope_control::generation_of(control);
  if (present == 0) return scope_id::largest_generation;
  return is_there(control) ? present : present - 1;
}

}  // namespace

std::uint64_t tenancy_report::last_of(scope const& slot) noexcept {
  return last_in(slot.control_.load(std::memory_order_relaxed));  // relaxed: complete() looks again
}

void tenancy_report::complete(scope const& slot, std::uint64_t generation, escape_report& report) noexcept {
  if (!report.scope) {
    // relaxed: for people to read
    report.scope = scope_id{slot.slot_number_.load(std::memory_order_relaxed), generation};
  }
  // sync scope-open: acquire; pairs with open(); reads the slot's fields
  // sync scope-end: acquire; pairs with set_free(); reads who tore it down
  std::uint64_t const control = slot.control_.load(std::memory_order_acquire);
  if (generation != last_in(control)) return;
  // sync scope-fields: acquire, each; pairs with open(); a newer tenant's value shows below that this one has ended
  scope_clock::rep const opened = slot.opened_.read();
  char const* const route = slot.route_data_.read();
  std::size_t const route_size = slot.route_size_.read();
  std::int32_t const opener = slot.opener_thread_.read();
  std::int32_t const closer = slot.closer_thread_.read();
  // Ordered behind the loads above by their acquire. The word shows a newer tenant when that is open, the time, which
  // open() writes first, already when it begins.
  std::uint64_t const after = slot.control_.load(std::memory_order_relaxed);
  if (scope_control::generation_of(after) != scope_control::generation_of(control)) return;
  if (is_there(after) != is_there(control) || slot.opened_.get() != opened) return;
  report.route = {route, route_size};
  report.opened = scope_clock::time_point{scope_clock::duration{opened}};
  report.opened_thread = opener;
  if (!is_there(control)) report.closed_thread = closer;
}

/// Which slot this is the arena of.
scope const& tenancy_report::slot_of(arena const& main) noexcept {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
  constexpr std::size_t offset = offsetof(scope, main_);  // every compiler we know has it for a class with a base
#pragma GCC diagnostic pop
  return *reinterpret_cast<scope const*>(reinterpret_cast<std::byte const*>(&main) - offset);
}

void tell_of_late_arena(arena const& asked, std::size_t bytes, bool may_throw) {
  scope const& slot = tenancy_report::slot_of(asked);
  escape_report late{.rule = escape_rule::late_allocate, .allocation_bytes = bytes};
  tenancy_report::complete(slot, tenancy_report::last_of(slot), late);
  report_escape(late);
  if (may_throw) throw scope_gone{late.scope};
}

}  // namespace detail

void scope::refuse_entry(scope_id tenant) const {
  escape_report late{.rule = escape_rule::late_call, .scope = tenant};
  detail::tenancy_report::complete(*this, tenant.generation(), late);
  report_escape(late);
  throw scope_gone{tenant, escape_rule::late_call};
}

}  // namespace mayfly
