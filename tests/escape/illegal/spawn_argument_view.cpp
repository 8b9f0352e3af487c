// pattern: a view is passed to a detached task
// way out: argument of a task that outlives
// types: MF-E04
// egress: MF-E14
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace spawn_argument_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto const admitted = pool.spawn(
                 {.route = "child"}, [](mayfly::request_context&, std::string_view text) { escape::touch(text); },
                 request.arena().copy(escape::long_text));
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace spawn_argument_view
