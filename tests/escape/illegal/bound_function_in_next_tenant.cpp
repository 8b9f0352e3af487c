// pattern: a function bound to a request is called in the one that has its slot by then, and would allocate there
// way out: capture of a task that outlives
// types: -
// egress: -
// tripwire: MF-E23
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

#include <functional>

namespace bound_function_in_next_tenant {

ESCAPE_PROGRAM {
  mayfly::executor_options options = escape::options();
  options.max_in_flight = 1;  // one slot
  mayfly::executor pool{options};
  std::function<void()> later;
  pool.run({.route = "leak"},
           [&](mayfly::request_context& request) {
             later = request.bind([] { mayfly::current_scope()->make<int>(7); });
           })
      .value();
  bool met = false;
  auto const call = [&](mayfly::request_context& request) {
    met = true;
    try {
      later();
    } catch (mayfly::scope_gone const&) {
      escape::require(request.scope().reserved_bytes() == 0, "nothing was allocated in another's scope");
    }
  };
  while (!met) static_cast<void>(pool.run({.route = "next"}, call));  // refused until the first one has closed
}

}  // namespace bound_function_in_next_tenant
