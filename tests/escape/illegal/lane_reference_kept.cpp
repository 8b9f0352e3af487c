// pattern: another thread's arena in a request is kept, and asked for memory after the request: it lies in a page
// way out: memory_resource
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <thread>

namespace lane_reference_kept {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::arena* kept = nullptr;
  pool.run({.route = "leak"},
           [&kept](mayfly::request_context& request) {
             std::thread{request.bind([&] { kept = &request.arena(); })}.join();
           })
      .value();
  escape::next_request(pool);
  escape::about_to_touch();
  static_cast<void>(kept->try_allocate(8));
}

}  // namespace lane_reference_kept
