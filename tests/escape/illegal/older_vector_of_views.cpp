// pattern: a vector that is older than the scope gets a view into it
// way out: older container
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>
#include <vector>

namespace older_vector_of_views {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::vector<std::string_view> seen{"nobody"};
  pool.run({.route = "leak"},
           [&seen](mayfly::request_context& request) { seen.push_back(request.arena().copy(escape::long_text)); })
      .value();
  escape::next_request(pool);
  escape::touch(seen.back());
}

}  // namespace older_vector_of_views
