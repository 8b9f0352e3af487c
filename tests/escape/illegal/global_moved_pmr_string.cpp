// pattern: globals are move constructed from pmr strings, and keep their resource
// way out: global, move construction
// types: -
// egress: -
// tripwire: MF-E21
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <optional>
#include <string>

namespace global_moved_pmr_string {

static std::optional<std::pmr::string> last_user;
static std::optional<std::pmr::string> user_before;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) {
             std::pmr::string name{escape::long_text, request.memory()};
             user_before.emplace(name, request.memory());
             last_user.emplace(std::move(name));
           })
      .value();
  escape::next_request(pool);
  user_before.reset();
  escape::touch(*last_user);
}

}  // namespace global_moved_pmr_string
