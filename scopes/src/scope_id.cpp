#include <mayfly/scope_id.hpp>

#include <ostream>

namespace mayfly {

std::string to_string(scope_id id) {
  if (!id) return "none";
  return std::to_string(id.slot()) + "." + std::to_string(id.generation());
}

std::ostream& operator<<(std::ostream& out, scope_id id) { return out << to_string(id); }

}  // namespace mayfly
