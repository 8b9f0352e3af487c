// pattern: a request submitted from inside a request captures that one's scope by reference
// way out: capture of a task that outlives
// types: -
// egress: MF-E11
// tripwire: -
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

namespace submit_captures_scope {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             mayfly::scope& mine = request.scope();
             auto const admitted = pool.try_submit(
                 {.route = "child"}, [&mine](mayfly::request_context&) { return mine.stop_requested(); },
                 [](mayfly::outcome<bool> const&, mayfly::request_context&) {});
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace submit_captures_scope
