// A handler with the name of one that `mayfly run` has itself.
#include <mayfly/plugin.hpp>

MAYFLY_PLUGIN(mine) {
  mine.add_handler("own", [](mayfly::plugin_call const&) {});
  mine.add_handler("echo", [](mayfly::plugin_call const&) {});
}
