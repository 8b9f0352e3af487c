// Two handlers of one name.
#include <mayfly/plugin.hpp>

MAYFLY_PLUGIN(mine) {
  mine.add_handler("twin", [](mayfly::plugin_call const&) {});
  mine.add_handler("twin", [](mayfly::plugin_call const&) {});
}
