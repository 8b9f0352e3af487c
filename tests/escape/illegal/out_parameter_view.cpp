// pattern: a view is written to a variable on the caller's stack
// way out: out-parameter
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace out_parameter_view {

static void find_user(mayfly::request_context& request, std::string_view& user) {
  user = request.arena().copy(escape::long_text);
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::string_view user;
  pool.run({.route = "leak"}, [&user](mayfly::request_context& request) { find_user(request, user); }).value();
  escape::next_request(pool);
  escape::touch(user);
}

}  // namespace out_parameter_view
