// pattern: a pmr string is moved into the arguments of a detached task
// way out: argument of a task that outlives, move construction
// types: MF-E04
// egress: MF-E14
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string>

namespace spawn_argument_pmr {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             std::pmr::string text{escape::long_text, request.memory()};
             auto const admitted = pool.spawn(
                 {.route = "child"},
                 [](mayfly::request_context&, std::pmr::string const& mine) { escape::touch(mine); }, std::move(text));
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace spawn_argument_pmr
