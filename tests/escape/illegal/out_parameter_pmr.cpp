// pattern: a pmr string is moved into an optional on the caller's stack
// way out: out-parameter, move construction
// types: -
// egress: -
// tripwire: MF-E21
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <optional>
#include <string>

namespace out_parameter_pmr {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::optional<std::pmr::string> user;
  for (int i = 0; i < 2; ++i) {
    std::optional<std::pmr::string> found;
    pool.run({.route = "leak"},
             [&found](mayfly::request_context& request) {
               found.emplace(std::pmr::string{escape::long_text, request.memory()});
             })
        .value();
    user.reset();
    user.emplace(std::move(*found));
  }
  escape::next_request(pool);
  escape::touch(*user);
}

}  // namespace out_parameter_pmr
