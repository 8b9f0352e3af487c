// pattern: a request waits for one of another executor, whose route is in its memory: that executor keeps the route
// way out: route
// types: -
// egress: MF-E11
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace run_route_in_arena {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::executor other{escape::options()};
  pool.run({.route = "parent"},
           [&other](mayfly::request_context& request) {
             std::string_view const route = request.arena().copy(escape::long_text);
             static_cast<void>(other.run({.route = route}, [](mayfly::request_context&) {}));
           })
      .value();
  escape::next_request(pool);
  escape::about_to_touch();
  static_cast<void>(other.run({.route = escape::long_text}, [](mayfly::request_context&) {}));  // looks for its route
  static_cast<void>(other.routes());
}

}  // namespace run_route_in_arena
