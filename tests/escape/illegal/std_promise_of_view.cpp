// pattern: a view is sent through a std::promise
// way out: std::promise
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <future>
#include <string_view>

namespace std_promise_of_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::promise<std::string_view> answer;
  pool.run({.route = "leak"},
           [&answer](mayfly::request_context& request) { answer.set_value(request.arena().copy(escape::long_text)); })
      .value();
  escape::next_request(pool);
  escape::touch(answer.get_future().get());
}

}  // namespace std_promise_of_view
