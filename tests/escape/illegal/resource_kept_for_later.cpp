// pattern: the memory_resource itself is kept, and asked for memory after the request
// way out: memory_resource
// types: -
// egress: -
// tripwire: MF-E22
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

#include <memory_resource>
#include <string>

namespace resource_kept_for_later {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::pmr::memory_resource* memory = nullptr;
  pool.run({.route = "leak"}, [&memory](mayfly::request_context& request) { memory = request.memory(); }).value();
  escape::next_request(pool);
  std::pmr::string const text{escape::long_text, memory};
}

}  // namespace resource_kept_for_later
