// pattern: a task detached from inside a request captures a view
// way out: capture of a task that outlives
// types: MF-E03
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace spawn_captures_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto const admitted = pool.spawn(
                 {.route = "child"},
                 [text = request.arena().copy(escape::long_text)](mayfly::request_context&) { escape::touch(text); });
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace spawn_captures_view
