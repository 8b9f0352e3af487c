// pattern: a nested scope returns a pmr vector, which keeps the nested scope's resource
// way out: nested scope, move construction
// types: MF-E05
// egress: MF-E16
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <vector>

namespace nested_returns_pmr {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [](mayfly::request_context& request) {
             auto const numbers = request.nested(
                 [](mayfly::request_context& inner) { return std::pmr::vector<int>(100, 7, inner.memory()); });
             escape::touch(numbers.data(), numbers.size() * sizeof(int));
           })
      .value();
}

}  // namespace nested_returns_pmr
