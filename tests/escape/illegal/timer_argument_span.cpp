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

ESCAPE_PROGRAM {
  static std::latch fired{1};
  mayfly::executor pool{escape::options()};
  bool set = false;
  pool.run({.route = "parent"},
           [&pool, &set](mayfly::request_context& request) {
             set = static_cast<bool>(pool.spawn_after(
                 std::chrono::milliseconds{300}, {.route = "timer"},
                 [](mayfly::request_context&, std::span<double> numbers) {
                   escape::touch(numbers.data(), numbers.size_bytes());
                   fired.count_down();
                 },
                 request.arena().make_span<double>(100)));
           })
      .value();
  if (set) fired.wait();
}

}  // namespace timer_argument_span
