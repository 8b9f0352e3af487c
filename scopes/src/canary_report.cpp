#include "canary_report.hpp"

#include <mayfly/detail/canary.hpp>
#include <mayfly/detail/thread_id.hpp>
#include <mayfly/escape_report.hpp>
#include <mayfly/scope.hpp>

namespace mayfly::detail {
namespace {

void on_damage(canary_damage const& damage) noexcept {
  escape_report report{.rule = escape_rule::overwritten_canary,
                       .address = damage.address,
                       .scope = scope_id::from_bits(damage.owner_tag),
                       .allocation_bytes = damage.bytes,
                       .site = damage.site};
  scope const* const seen = closing_scope != nullptr ? closing_scope : current.active;
  if (seen != nullptr && seen->id() == report.scope) {
    report.route = seen->route();
    report.opened = seen->opened();
    report.opened_thread = seen->opener_thread();
  }
  if (closing_scope != nullptr) {
    report.closed = scope_clock::now();
    report.closed_thread = this_thread_id();
  }
  report_escape(report);
}

}  // namespace

void report_canaries() noexcept { static_cast<void>(offer_canary_handler(&on_damage)); }

}  // namespace mayfly::detail
