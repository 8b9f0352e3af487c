// pattern: a string_view into the arena is the handler's result
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace return_string_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer =
      pool.submit("leak", [](mayfly::request_context& request) { return request.arena().copy(escape::long_text); });
  escape::next_request(pool);
  auto const word = answer.get();
  escape::touch(word);
}

}  // namespace return_string_view
