// pattern: a handler keeps an address of a scope that it opened and closed inside itself
// way out: nested scope
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/effect_handler.hpp>

#include <string_view>
#include <vector>

namespace parent_holds_child {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             std::pmr::vector<std::string_view> lines(1, request.memory());
             {
               mayfly::scope_stack inner{pool.registry()};
               escape::require(static_cast<bool>(inner.enter_request_scope()), "a scope inside");
               lines.front() = inner.active()->arena().copy(escape::long_text);
             }
             escape::touch(lines.front());
           })
      .value();
}

}  // namespace parent_holds_child
