#include "executor_core.hpp"
#include <mayfly/executor_account.hpp>

#include <algorithm>
#include <unordered_map>

namespace mayfly::detail {
namespace {

/// The line of a route, made where there is none.
route_account& line_of(std::vector<route_account>& lines, std::string_view route) {
  auto const place =
      std::lower_bound(lines.begin(), lines.end(), route,
                       [](route_account const& line, std::string_view name) { return line.route < name; });
  if (place != lines.end() && place->route == route) return *place;
  return *lines.insert(place, route_account{.route = std::string{route}, .held = {}, .sampled = {}});
}

}  // namespace

/// Pages first, then who is there: what has ended in between is filed under `others`; what is a scope's now and was
/// another's then has another tag.
executor_account executor_core::account() const {
  executor_account result;
  result.pages = pages_->account();
  std::unordered_map<std::uint64_t, memory_amount const*> by_owner;
  for (auto const& owner : result.pages.owners) {
    by_owner[owner.owner] = &owner;
    result.others += owner;
  }
  registry_.for_each_unfinished([&](scope_info const& scope) {
    route_account& line = line_of(result.routes, scope.route);
    ++line.in_flight;
    auto const found = by_owner.find(scope.id.bits());
    if (found == by_owner.end()) return;
    line.held += *found->second;
    result.others -= *found->second;
  });
  workers_.for_each([&](worker const& one) {
    one.routes.for_each([&](std::string_view route, route_profile const& profile) {
      profile.splits.add_to(line_of(result.routes, route).sampled);
    });
  });
  return result;
}

}  // namespace mayfly::detail
