// As a plugin that was built with MAYFLY_CANARIES for a program without, or the other way round.
#include <mayfly/plugin.hpp>

extern "C" std::uint32_t mayfly_plugin_version();
extern "C" std::uint32_t mayfly_plugin_version() { return mayfly::plugin_version; }
extern "C" std::uint32_t mayfly_plugin_redzone_bytes();
extern "C" std::uint32_t mayfly_plugin_redzone_bytes() { return mayfly::plugin_redzone_bytes + 24; }
extern "C" void mayfly_plugin_register(mayfly::plugin& to);
extern "C" void mayfly_plugin_register(mayfly::plugin& /*to*/) {}
