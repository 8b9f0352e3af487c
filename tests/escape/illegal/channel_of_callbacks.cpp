// pattern: a channel's values are functions, one of which captures a view
// way out: channel, std::function
// types: MF-E06
// egress: MF-E15
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/channel.hpp>

#include <functional>

namespace channel_of_callbacks {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::channel<std::function<void()>> work{16, pool.options().egress};
  pool.run({.route = "leak"},
           [&work](mayfly::request_context& request) {
             work.send([text = request.arena().copy(escape::long_text)] { escape::touch(text); });
           })
      .value();
  escape::next_request(pool);
  if (auto const next = work.try_receive()) (*next)();
}

}  // namespace channel_of_callbacks
