#include "executor_core.hpp"
#include <mayfly/detail/completions.hpp>
#include <mayfly/detail/place.hpp>
#include <mayfly/escape_refused.hpp>

#include <exception>

// What the executor does about a value that would carry an address of a request's memory out of it.
namespace mayfly::detail {
namespace {

/// An exception_ptr to escape_refused; to std::bad_alloc where there is no memory for its text.
std::exception_ptr refusal_of(escape_report const& report) noexcept {
  try {
    return std::make_exception_ptr(escape_refused{report});
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace

bool stops(executor_core& core, escape_report const& report) noexcept { return stops(report, core.options().egress); }

scope const& scope_of(request_context& context) noexcept { return context.scope(); }

std::exception_ptr replacement(request_context& context, escape_report const& report) noexcept {
  return stops(context_access::core(context), report) ? refusal_of(report) : nullptr;
}

std::exception_ptr outgoing_error(request_context& context, std::exception_ptr const& error) noexcept {
  auto const found = find_escape_in_exception(error, context.scope());
  if (!found) return error;
  std::exception_ptr instead = replacement(context, *found);
  return instead == nullptr ? error : instead;
}

}  // namespace mayfly::detail
