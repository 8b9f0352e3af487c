// pattern: a function bound to a request is kept and called after the request
// way out: capture of a task that outlives
// types: -
// egress: -
// tripwire: MF-E23
// audit: MF-E43
// guard: n/a
// asan: n/a

#include "program.hpp"

#include <functional>
#include <memory>

namespace bound_function_kept {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const later = std::make_unique<std::function<void()>>();
  pool.run({.route = "leak"},
           [&later = *later](mayfly::request_context& request) {
             later = request.bind([text = request.arena().copy(escape::long_text)] { escape::touch(text); });
           })
      .value();
  escape::next_request(pool);
  (*later)();
}

}  // namespace bound_function_kept
