// legal: a scope is held beyond its request and its memory read before the hold is released

#include "program.hpp"

#include <string_view>

namespace hold_and_read {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::scope_hold held;
  std::string_view text;
  pool.run({.route = "hold"},
           [&](mayfly::request_context& request) {
             text = request.arena().copy(escape::long_text);
             held = request.hold();
           })
      .value();
  escape::next_request(pool);
  escape::require(text == escape::long_text, "the hold keeps the text");
  text = {};
  held.release();
}

}  // namespace hold_and_read
