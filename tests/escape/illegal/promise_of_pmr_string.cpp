// pattern: a pmr string is moved into a promise
// way out: promise, move construction
// types: MF-E06
// egress: MF-E15
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/promise.hpp>

#include <string>

namespace promise_of_pmr_string {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::promise<std::pmr::string> answer{pool.options().egress};
  auto name = answer.get_future();
  pool.run({.route = "leak"},
           [&answer](mayfly::request_context& request) {
             answer.set_value(std::pmr::string{escape::long_text, request.memory()});
           })
      .value();
  escape::next_request(pool);
  auto const text = name.get();
  escape::touch(text);
}

}  // namespace promise_of_pmr_string
