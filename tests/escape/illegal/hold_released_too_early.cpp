// pattern: a scope is held beyond its request, and its memory is used after the hold is released
// way out: out-parameter, scope_hold
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace hold_released_too_early {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::scope_hold held;
  std::string_view text;
  pool.run({.route = "leak"},
           [&](mayfly::request_context& request) {
             text = request.arena().copy(escape::long_text);
             held = request.hold();
           })
      .value();
  escape::next_request(pool);
  escape::require(text == escape::long_text, "the hold keeps the text");
  held.release();
  escape::touch(text);
}

}  // namespace hold_released_too_early
