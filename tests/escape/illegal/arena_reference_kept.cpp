// pattern: the arena itself is kept, and asked for memory after the request
// way out: memory_resource
// types: -
// egress: -
// tripwire: MF-E22
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

namespace arena_reference_kept {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::arena* kept = nullptr;
  pool.run({.route = "leak"}, [&kept](mayfly::request_context& request) { kept = &request.arena(); }).value();
  escape::next_request(pool);
  escape::require(kept->try_allocate(8) == nullptr, "it gives nothing");
}

}  // namespace arena_reference_kept
