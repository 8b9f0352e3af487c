// pattern: a channel's values are structs with a pointer in a field
// way out: channel
// types: MF-E06
// egress: MF-E15
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/channel.hpp>

#include <string>

namespace channel_of_structs {

struct event {
  std::string kind;
  int const* count;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::channel<event> events{16, pool.options().egress};
  pool.run({.route = "leak"},
           [&events](mayfly::request_context& request) { events.send({"count", request.arena().make<int>(7)}); })
      .value();
  escape::next_request(pool);
  if (auto const next = events.try_receive()) escape::touch(next->count, sizeof(int));
}

}  // namespace channel_of_structs
