#include <mayfly/effect_handler.hpp>

#include <algorithm>

namespace mayfly {
namespace {

constexpr std::size_t usual_depth = 8;

}  // namespace

scope_stack::scope_stack(scope_registry& registry, scope_options const& options)
    : registry_{&registry}, options_{options} {
  open_.reserve(usual_depth);
}

scope_stack::~scope_stack() {
  while (!open_.empty()) exit_innermost();
}

scope_id scope_stack::enter_request_scope() {
  if (open_.size() == open_.capacity()) open_.reserve(2 * open_.size());  // may throw: there is nothing to undo yet
  scope_options inside = options_;
  inside.parent = active();
  scope* const opened = registry_->open(inside);
  if (opened == nullptr) return {};
  open_.emplace_back(*opened);
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
  level const& innermost = open_.back();
  // Where it is not current, an entry on top of it has still to end, or one below it ended out of turn: that entry says
  // what is current, and comes back to none that we close here.
  if (detail::current.active == innermost.opened) innermost.before.restore();
  scope_id const id = innermost.id;
  open_.pop_back();  // first: the scope's destructors may use us
  registry_->close(id);
}

std::unique_ptr<effect_handler> scope_stack::spawn_for_worker() {
  return std::make_unique<scope_stack>(*registry_, options_);
}

}  // namespace mayfly
