// pattern: a helper's helper makes the view that the handler returns as auto
// way out: return, helper functions
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace return_two_calls_deep {

struct parsed {
  int line;
  std::string_view text;
};
static parsed parse_line(mayfly::arena& memory) { return {1, memory.copy(escape::long_text)}; }
static auto parse(mayfly::request_context& request) { return parse_line(request.arena()); }
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) { return parse(request); });
  escape::next_request(pool);
  auto const line = answer.get();
  escape::touch(line.text);
}

}  // namespace return_two_calls_deep
