#include <mayfly/effect_handler.hpp>

#include <algorithm>

namespace mayfly {

scope_stack::scope_stack(scope_registry& registry, scope_options const& options) noexcept
    : registry_{&registry}, options_{options} {}

scope_stack::~scope_stack() {
  while (!open_.empty()) exit_innermost();
}

scope_id scope_stack::enter_request_scope() {
  open_.reserve(open_.size() + 1);  // may throw, while there is nothing to undo yet
  scope* const opened = registry_->open(options_);
  if (opened == nullptr) return {};
  open_.push_back({opened, opened->id(), detail::current});
  detail::current = {opened, &opened->main_arena()};
  return opened->id();
}

void scope_stack::exit_request_scope(scope_id id) noexcept {
  auto const found = std::find_if(open_.begin(), open_.end(), [id](level const& l) { return l.id == id; });
  if (found == open_.end()) return;
  auto const remaining = static_cast<std::size_t>(found - open_.begin());
  while (open_.size() > remaining) exit_innermost();
}

void scope_stack::exit_innermost() noexcept {
  level const innermost = open_.back();
  open_.pop_back();
  detail::current = innermost.before;
  registry_->close(innermost.id);
}

std::unique_ptr<effect_handler> scope_stack::spawn_for_worker() {
  return std::make_unique<scope_stack>(*registry_, options_);
}

}  // namespace mayfly
