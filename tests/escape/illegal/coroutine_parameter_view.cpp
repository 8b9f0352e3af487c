// pattern: a view is a parameter of a detached coroutine
// way out: coroutine frame
// types: MF-E07
// egress: MF-E14
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/detached_coroutine.hpp>

#include <string_view>

namespace coroutine_parameter_view {

static mayfly::detached_coroutine greet(std::string_view name) {
  escape::touch(name);
  co_return;
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto const admitted = pool.spawn({.route = "child"}, greet(request.arena().copy(escape::long_text)));
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace coroutine_parameter_view
