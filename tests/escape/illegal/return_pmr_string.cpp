// pattern: a pmr string keeps its resource when it is moved into the future
// way out: return, move construction
// types: MF-E01
// egress: MF-E12
// tripwire: MF-E21
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string>

namespace return_pmr_string {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const leak = [](mayfly::request_context& request) {
    return std::pmr::string{escape::long_text, request.memory()};
  };
  auto unread = pool.submit("leak", leak);
  auto answer = pool.submit("leak", leak);
  escape::next_request(pool);
  unread = {};  // its bytes go back to a resource that is gone
  auto const text = answer.get();
  escape::touch(text);
}

}  // namespace return_pmr_string
