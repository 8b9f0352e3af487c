// Needs something that nobody has.
#include <mayfly/plugin.hpp>

int defined_nowhere(std::size_t bytes);

MAYFLY_PLUGIN(mine) {
  mine.add_handler("first", [](mayfly::plugin_call const& call) { defined_nowhere(call.input.size()); });
}
