// pattern: a request submitted from inside a request captures a view of it
// way out: capture of a task that outlives
// types: -
// egress: MF-E11
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace submit_captures_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto const admitted = pool.try_submit(
                 {.route = "child"},
                 [text = request.arena().copy(escape::long_text)](mayfly::request_context&) { escape::touch(text); },
                 [](mayfly::outcome<void> const&, mayfly::request_context&) {});
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace submit_captures_view
