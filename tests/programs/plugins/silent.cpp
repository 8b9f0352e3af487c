// Registers nothing.
#include <mayfly/plugin.hpp>

MAYFLY_PLUGIN(mine) {}
