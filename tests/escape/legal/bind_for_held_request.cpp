// legal: a function bound to a request is called after the handler has returned, while a hold keeps the request

#include "program.hpp"

#include <functional>

namespace bind_for_held_request {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::function<int()> later;
  mayfly::scope_hold held;
  pool.run({.route = "hold"},
           [&](mayfly::request_context& request) {
             held = request.hold();
             later = request.bind([] { return *mayfly::current_scope()->make<int>(7); });
           })
      .value();
  escape::next_request(pool);
  escape::require(later() == 7, "the hold keeps its scope");
  later = nullptr;
  held.release();
}

}  // namespace bind_for_held_request
