// pattern: a char const* into the arena is the handler's result
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace return_c_string {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) -> char const* {
    return request.arena().copy(escape::long_text).data();
  });
  escape::next_request(pool);
  char const* const text = answer.get();
  escape::touch(text, escape::long_text.size());
}

}  // namespace return_c_string
