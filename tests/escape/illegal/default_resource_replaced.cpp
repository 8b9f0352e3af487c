// pattern: a request makes its memory the process's default resource
// way out: memory_resource, global
// types: -
// egress: -
// tripwire: MF-E22
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

#include <memory_resource>
#include <string>

namespace default_resource_replaced {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) { std::pmr::set_default_resource(request.memory()); })
      .value();
  escape::next_request(pool);
  std::pmr::string const text{escape::long_text};
}

}  // namespace default_resource_replaced
