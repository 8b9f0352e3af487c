// pattern: a pointer is passed to a detached task by a helper's helper
// way out: argument of a task that outlives, helper functions
// types: MF-E04
// egress: MF-E14
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace spawn_argument_pointer {

static void count_later(mayfly::executor& pool, int const* count) {
  auto const admitted = pool.spawn(
      {.route = "child"}, [](mayfly::request_context&, int const* mine) { escape::touch(mine, sizeof(int)); }, count);
  static_cast<void>(admitted);
}
static void note(mayfly::executor& pool, int const& count) { count_later(pool, &count); }
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) { note(pool, *request.arena().make<int>(7)); })
      .value();
  escape::next_request(pool);
}

}  // namespace spawn_argument_pointer
