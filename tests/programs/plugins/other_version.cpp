// As a plugin that was built with headers of another version.
#include <mayfly/plugin.hpp>

extern "C" std::uint32_t mayfly_plugin_version();
extern "C" std::uint32_t mayfly_plugin_version() { return mayfly::plugin_version + 1; }
extern "C" void mayfly_plugin_register(mayfly::plugin& to);
extern "C" void mayfly_plugin_register(mayfly::plugin& /*to*/) {}
