// pattern: a task detached from inside a request captures that request's context by reference
// way out: capture of a task that outlives
// types: MF-E03
// egress: MF-E14
// tripwire: -
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

namespace spawn_captures_request {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto const admitted = pool.spawn(
                 {.route = "child"}, [&request](mayfly::request_context& child) { return &request == &child; });
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace spawn_captures_request
