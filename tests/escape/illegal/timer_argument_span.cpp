// pattern: a span is passed to a timer's task
// way out: timer
// types: MF-E04
// egress: MF-E14
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <chrono>
#include <latch>
#include <span>

namespace timer_argument_span {

static std::latch fired{1};
static mayfly::timer_admission sum(mayfly::executor& pool, std::chrono::nanoseconds delay, std::span<double> numbers) {
  return pool.spawn_after(
      delay, {.route = "timer"},
      [](mayfly::request_context&, std::span<double> own) {
        escape::touch(own.data(), own.size_bytes());
        fired.count_down();
      },
      numbers);
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  bool set = false;
  pool.run({.route = "parent"},
           [&pool, &set](mayfly::request_context& request) {
             auto const numbers = request.arena().make_span<double>(100);
             // One is not due when the scope ends, the other need not be waited for.
             set = sum(pool, std::chrono::hours{1}, numbers) && sum(pool, std::chrono::nanoseconds{0}, numbers);
           })
      .value();
  if (set) fired.wait();
}

}  // namespace timer_argument_span
