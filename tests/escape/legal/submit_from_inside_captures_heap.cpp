// legal: a request submits another, whose closure captures detached values

#include "program.hpp"

#include <memory>
#include <string>

namespace submit_from_inside_captures_heap {

ESCAPE_PROGRAM {
  auto const result = std::make_shared<std::string>();
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool, result](mayfly::request_context& request) {
             std::string text{request.arena().copy(escape::long_text)};
             auto const admitted = pool.try_submit(
                 {.route = "child"}, [text = std::move(text), result](mayfly::request_context&) { *result = text; },
                 [](mayfly::outcome<void> const&, mayfly::request_context&) {});
             escape::require(static_cast<bool>(admitted), "the child is accepted");
           })
      .value();
  escape::next_request(pool);
  escape::require(*result == escape::long_text, "the child has run");
}

}  // namespace submit_from_inside_captures_heap
