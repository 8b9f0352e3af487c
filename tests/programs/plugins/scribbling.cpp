// From request 20 on writes in front of what it has allocated, where the bytes of the program lie.
#include <mayfly/plugin.hpp>

#include <cstddef>

MAYFLY_PLUGIN(mine) {
  mine.add_handler("scribble", [](mayfly::plugin_call const& call) {
    auto* const own = static_cast<std::byte volatile*>(call.request.arena().allocate(64));
    own[0] = std::byte{1};
    auto* const last_of_theirs = own - mayfly::detail::redzone_bytes - 8;
    if (call.number >= 20) *last_of_theirs = *last_of_theirs ^ std::byte{0x55};
  });
}
