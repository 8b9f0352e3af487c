// pattern: a function bound to the request, which captures a view, is the handler's result
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: MF-E23
// audit: MF-E43
// guard: n/a
// asan: n/a

#include "program.hpp"

namespace return_bound_function {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return request.bind([text = request.arena().copy(escape::long_text)] { escape::touch(text); });
  });
  escape::next_request(pool);
  auto const later = answer.get();
  later();
}

}  // namespace return_bound_function
