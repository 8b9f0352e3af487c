// pattern: a function's static remembers the first request's object
// way out: static
// types: -
// egress: -
// tripwire: -
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace static_local_pointer {

struct settings {
  int limit;
};
static settings const& cached(mayfly::request_context* request) {
  static settings const* const made = request->arena().make<settings>(7);
  return *made;
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"}, [](mayfly::request_context& request) { static_cast<void>(cached(&request)); }).value();
  escape::next_request(pool);
  escape::touch(&cached(nullptr), sizeof(settings));
}

}  // namespace static_local_pointer
