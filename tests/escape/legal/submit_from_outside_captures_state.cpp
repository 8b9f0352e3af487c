// legal: a server submits closures that capture its own state

#include "program.hpp"

#include <memory>
#include <string>

namespace submit_from_outside_captures_state {

struct server {
  std::string name = "a server with a name of some length";
  int requests = 0;
};
ESCAPE_PROGRAM {
  auto const state = std::make_shared<server>();
  mayfly::executor pool{escape::options()};
  auto const length = pool.submit("state",
                                  [state, &name = state->name](mayfly::request_context&) {
                                    ++state->requests;
                                    return name.size();
                                  })
                          .get();
  escape::next_request(pool);
  escape::require(length == state->name.size() && state->requests == 1, "the state is used");
}

}  // namespace submit_from_outside_captures_state
