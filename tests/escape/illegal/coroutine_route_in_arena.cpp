// pattern: a detached coroutine is begun by a request, with a route that lies in its memory
// way out: route, coroutine frame
// types: -
// egress: MF-E14
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/detached_coroutine.hpp>

#include <string_view>

namespace coroutine_route_in_arena {

static mayfly::detached_coroutine nothing() { co_return; }
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             std::string_view const route = request.arena().copy(escape::long_text);
             static_cast<void>(pool.spawn({.route = route}, nothing()));
             escape::about_to_touch();  // the executor, which looks what requests of that route take
           })
      .value();
  escape::next_request(pool);
  static_cast<void>(pool.routes());
}

}  // namespace coroutine_route_in_arena
