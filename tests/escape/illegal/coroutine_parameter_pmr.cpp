// pattern: a pmr string is moved into the frame of a detached coroutine
// way out: coroutine frame, move construction
// types: MF-E07
// egress: MF-E14
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/detached_coroutine.hpp>

#include <string>

namespace coroutine_parameter_pmr {

static mayfly::detached_coroutine greet(std::pmr::string name) {
  escape::touch(name);
  co_return;
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             std::pmr::string name{escape::long_text, request.memory()};
             auto const admitted = pool.spawn({.route = "child"}, greet(std::move(name)));
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace coroutine_parameter_pmr
