// pattern: the result is a closure that captures a view
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace return_capturing_closure {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return [text = request.arena().copy(escape::long_text)] { escape::touch(text); };
  });
  escape::next_request(pool);
  auto const later = answer.get();
  later();
}

}  // namespace return_capturing_closure
