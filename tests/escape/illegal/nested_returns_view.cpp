// pattern: a nested scope returns a view of its own memory
// way out: nested scope
// types: MF-E05
// egress: MF-E16
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace nested_returns_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [](mayfly::request_context& request) {
             std::string_view const text =
                 request.nested([](mayfly::request_context& inner) { return inner.arena().copy(escape::long_text); });
             escape::touch(text);
           })
      .value();
}

}  // namespace nested_returns_view
