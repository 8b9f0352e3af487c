// Writes over its input.
#include <mayfly/plugin.hpp>

MAYFLY_PLUGIN(mine) {
  mine.add_handler("spoil", [](mayfly::plugin_call const& call) { const_cast<char&>(call.input.back()) = '!'; });
}
