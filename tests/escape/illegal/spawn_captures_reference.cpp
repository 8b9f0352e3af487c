// pattern: a task detached from inside a request captures an object in its arena by reference
// way out: capture of a task that outlives
// types: MF-E03
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <vector>

namespace spawn_captures_reference {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto& count = *request.arena().make<int>(7);
             auto const admitted = pool.spawn(
                 {.route = "child"}, [&count](mayfly::request_context&) { escape::touch(&count, sizeof(int)); });
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace spawn_captures_reference
