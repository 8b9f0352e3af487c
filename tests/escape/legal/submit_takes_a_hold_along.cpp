// legal: a request submitted from inside a request takes a hold of it along, with its memory, scope and bound function

#include "program.hpp"

#include <memory>
#include <string>
#include <utility>

namespace submit_takes_a_hold_along {

ESCAPE_PROGRAM {
  auto const result = std::make_shared<std::string>();
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool, result](mayfly::request_context& request) {
             auto append = request.bind([](std::string& to) { to += mayfly::current_scope()->arena().copy("!"); });
             auto const admitted = pool.try_submit(
                 {.route = "child"},
                 [result, append, held = request.hold(), mine = &request.scope(), from = request.memory(),
                  text = request.arena().copy(escape::long_text)](mayfly::request_context&) {
                   mayfly::scope_entry const inside{held.get()};
                   std::pmr::string copy{text, from};
                   copy += mine->stop_requested() ? "?" : "";
                   *result = copy;
                   append(*result);
                 },
                 [](mayfly::outcome<void> const&, mayfly::request_context&) {});
             escape::require(static_cast<bool>(admitted), "the child is accepted");
           })
      .value();
  escape::next_request(pool);
  escape::require(*result == std::string{escape::long_text} + "!", "the child has run");
}

}  // namespace submit_takes_a_hold_along
