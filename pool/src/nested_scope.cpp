#include "executor_core.hpp"
#include <mayfly/detail/place.hpp>
#include <mayfly/escape_refused.hpp>
#include <mayfly/request_context.hpp>
#include <mayfly/request_errors.hpp>

#include <algorithm>

namespace mayfly::detail {
namespace {

scope& open_inside(executor_core& core, scope& outer) {
  // A budget that is used up leaves one byte: 0 would be a limit too, but none that a message can be read from.
  scope* const opened = core.registry().open({.route = outer.route(),
                                              .deadline = outer.deadline(),
                                              .byte_budget = std::max<std::size_t>(outer.spare_bytes(), 1),
                                              .opened = core.clock().steady_at(core.clock().now()),
                                              .parent = &outer});
  if (opened == nullptr) throw refused_error{admission_reason::queue_full};
  return *opened;
}

}  // namespace

nested_scope::nested_scope(request_context& outer)
    : opened_{open_inside(outer.core_, outer.scope_)},
      context_(outer.core_, outer.record_, opened_.in, outer.worker_, &outer),
      entered_(opened_.in, opened_.in.main_arena()) {}

void nested_scope::refuse(escape_report const& found) const {
  if (stops(context_.core_, found)) throw escape_refused{found};
}

void nested_scope::rethrow() const {
  if (auto const found = find_escape_in_exception(std::current_exception(), opened_.in, egress_reach::itself)) {
    refuse(*found);
  }
  throw;
}

}  // namespace mayfly::detail
