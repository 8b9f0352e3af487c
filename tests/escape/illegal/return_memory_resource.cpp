// pattern: the memory_resource itself is the handler's result
// way out: return, memory_resource
// types: MF-E01
// egress: -
// tripwire: MF-E22
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

#include <memory_resource>
#include <string>

namespace return_memory_resource {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) { return request.memory(); });
  escape::next_request(pool);
  std::pmr::string const text{escape::long_text, answer.get()};
}

}  // namespace return_memory_resource
