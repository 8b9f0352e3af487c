// pattern: a closure has a view and a stop token of the request, which somebody else holds: the token is no hold
// way out: capture of a task that outlives, scope_hold
// types: -
// egress: MF-E11
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <utility>

namespace token_is_no_hold {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             mayfly::scope_hold const held = request.hold();  // until this handler returns
             auto const admitted = pool.try_submit(
                 {.route = "child"},
                 [text = request.arena().copy(escape::long_text),
                  token = request.stop_token()](mayfly::request_context&) {
                   if (token.stop_requested()) escape::touch(text);
                 },
                 [](mayfly::outcome<void> const&, mayfly::request_context&) {});
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace token_is_no_hold
