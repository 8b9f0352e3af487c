// pattern: a channel's values are views
// way out: channel
// types: MF-E06
// egress: MF-E15
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/channel.hpp>

#include <string_view>

namespace channel_of_views {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::channel<std::string_view> names{16, pool.options().egress};
  pool.run({.route = "leak"},
           [&names](mayfly::request_context& request) { names.send(request.arena().copy(escape::long_text)); })
      .value();
  escape::next_request(pool);
  if (auto const name = names.try_receive()) escape::touch(*name);
}

}  // namespace channel_of_views
