// pattern: a text gets its terminating zero where room was made for the text alone
// way out: beyond an allocation
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E32
// asan: use-after-poison

#include "program.hpp"

#include <algorithm>
#include <span>
#include <string_view>

namespace overrun_terminator {

static void copy_as_c_string(std::string_view from, char* to) { *std::copy(from.begin(), from.end(), to) = '\0'; }
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "careless"},
           [](mayfly::request_context& request) {
             std::span<char> const room = request.arena().make_span<char>(escape::long_text.size());
             escape::about_to_touch();
             copy_as_c_string(escape::long_text, room.data());
           })
      .value();
  escape::next_request(pool);
}

}  // namespace overrun_terminator
