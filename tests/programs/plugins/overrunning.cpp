// Writes one byte too many.
#include <mayfly/plugin.hpp>

MAYFLY_PLUGIN(mine) {
  mine.add_handler("overrun", [](mayfly::plugin_call const& call) {
    static_cast<char volatile*>(call.request.arena().allocate(13))[13] = 7;
  });
}
