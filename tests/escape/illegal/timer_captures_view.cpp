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
#include <string_view>

namespace timer_captures_view {

static std::latch fired{1};
static bool remind(mayfly::executor& pool, std::chrono::nanoseconds delay, std::string_view text) {
  return static_cast<bool>(pool.spawn_after(delay, {.route = "timer"}, [text](mayfly::request_context&) {
    escape::touch(text);
    fired.count_down();
  }));
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             std::string_view const text = request.arena().copy(escape::long_text);
             // One is not due when the scope ends, the other need not be waited for.
             escape::require(remind(pool, std::chrono::hours{1}, text), "a timer is set");
             escape::require(remind(pool, std::chrono::nanoseconds{0}, text), "another timer is set");
           })
      .value();
  fired.wait();
}

}  // namespace timer_captures_view
