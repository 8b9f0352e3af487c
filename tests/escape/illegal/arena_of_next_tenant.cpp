// pattern: the arena itself is kept, and asked for memory while the next request has it
// way out: memory_resource
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

namespace arena_of_next_tenant {

ESCAPE_PROGRAM {
  mayfly::executor_options options = escape::options();
  options.max_in_flight = 1;  // one slot
  mayfly::executor pool{options};
  mayfly::arena* kept = nullptr;
  pool.run({.route = "leak"}, [&kept](mayfly::request_context& request) { kept = &request.arena(); }).value();
  bool met = false;
  auto const ask = [&](mayfly::request_context& request) {
    met = true;
    escape::require(&request.arena() == kept && kept->try_allocate(8) != nullptr, "nobody notices");
  };
  while (!met) static_cast<void>(pool.run({.route = "next"}, ask));  // refused until the first one has closed
}

}  // namespace arena_of_next_tenant
