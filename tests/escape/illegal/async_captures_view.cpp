// pattern: std::async, deferred, captures a view
// way out: std::async
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <future>

namespace async_captures_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::future<void> later;
  pool.run({.route = "leak"},
           [&later](mayfly::request_context& request) {
             later = std::async(std::launch::deferred,
                                [text = request.arena().copy(escape::long_text)] { escape::touch(text); });
           })
      .value();
  escape::next_request(pool);
  later.get();
}

}  // namespace async_captures_view
