// pattern: a request submitted from inside a request captures a function that is bound to that one
// way out: capture of a task that outlives
// types: -
// egress: MF-E11
// tripwire: MF-E23
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

namespace submit_captures_bound_function {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto const admitted = pool.try_submit(
                 {.route = "child"}, [make = request.bind([] {
                   mayfly::current_scope()->make<int>(7);
                 })](mayfly::request_context&) { make(); },
                 [](mayfly::outcome<void> const&, mayfly::request_context&) {});
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace submit_captures_bound_function
