// pattern: a std::thread that outlives the request captures a view
// way out: std::thread
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <latch>
#include <thread>

namespace thread_captures_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::latch closed{1};
  std::thread logger;
  pool.run({.route = "leak"},
           [&](mayfly::request_context& request) {
             logger = std::thread{[&closed, text = request.arena().copy(escape::long_text)] {
               closed.wait();
               escape::touch(text);
             }};
           })
      .value();
  escape::next_request(pool);
  closed.count_down();
  logger.join();
}

}  // namespace thread_captures_view
