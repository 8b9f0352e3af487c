// pattern: the completion of a request submitted from inside a request captures a pointer
// way out: capture of a task that outlives, completion
// types: -
// egress: MF-E11
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace completion_captures_pointer {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             int const* const count = request.arena().make<int>(7);
             auto const admitted = pool.try_submit(
                 {.route = "child"}, [](mayfly::request_context&) { return 1; },
                 [count](mayfly::outcome<int> const&, mayfly::request_context&) { escape::touch(count, sizeof(int)); });
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace completion_captures_pointer
