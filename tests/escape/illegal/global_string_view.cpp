// pattern: a global string_view is set to text in the arena
// way out: global
// types: -
// egress: -
// tripwire: -
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace global_string_view {

static std::string_view last_user;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) { last_user = request.arena().copy(escape::long_text); })
      .value();
  escape::next_request(pool);
  escape::touch(last_user);
}

}  // namespace global_string_view
