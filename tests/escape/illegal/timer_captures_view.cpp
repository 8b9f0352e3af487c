// pattern: a timer set inside a request captures a view
// way out: timer
// types: MF-E03
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <chrono>
#include <latch>

namespace timer_captures_view {

ESCAPE_PROGRAM {
  static std::latch fired{1};
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             auto const set =
                 pool.spawn_after(std::chrono::milliseconds{300}, {.route = "timer"},
                                  [text = request.arena().copy(escape::long_text)](mayfly::request_context&) {
                                    escape::touch(text);
                                    fired.count_down();
                                  });
             escape::require(static_cast<bool>(set), "the timer is set");
           })
      .value();
  fired.wait();
}

}  // namespace timer_captures_view
