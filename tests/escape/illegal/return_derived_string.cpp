// pattern: a class derived from std::string, with a pointer of its own, is the handler's result
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string>

namespace return_derived_string {

struct annotated : std::string {
  char const* origin = nullptr;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    annotated made;
    made.assign("an answer");
    made.origin = request.arena().copy(escape::long_text).data();
    return made;
  });
  escape::next_request(pool);
  annotated const found = answer.get();
  escape::touch(found.origin, escape::long_text.size());
}

}  // namespace return_derived_string
