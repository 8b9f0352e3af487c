// pattern: a request submitted from inside a request captures that one's context by reference
// way out: capture of a task that outlives
// types: -
// egress: MF-E11
// tripwire: -
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

namespace submit_captures_request {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto const admitted = pool.try_submit(
                 {.route = "child"}, [&request](mayfly::request_context& child) { return &request == &child; },
                 [](mayfly::outcome<bool> const&, mayfly::request_context&) {});
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace submit_captures_request
