// pattern: a request's context is passed to a detached task, by its address
// way out: argument of a task that outlives
// types: MF-E04
// egress: -
// tripwire: -
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

namespace spawn_argument_request {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto const admitted = pool.spawn(
                 {.route = "child"},
                 [](mayfly::request_context& child, mayfly::request_context* parent) { return parent == &child; },
                 &request);
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace spawn_argument_request
