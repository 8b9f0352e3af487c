// pattern: a global std::function holds a captured pointer in its small buffer
// way out: global, std::function
// types: -
// egress: -
// tripwire: -
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <functional>

namespace global_small_function {

static std::function<void()> on_idle;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) {
             int const* const count = request.arena().make<int>(7);
             on_idle = [count] { escape::touch(count, sizeof(int)); };
           })
      .value();
  escape::next_request(pool);
  on_idle();
}

}  // namespace global_small_function
