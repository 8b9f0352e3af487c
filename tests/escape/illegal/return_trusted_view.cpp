// pattern: the rule is waived with trusted(), and the view points into the arena all the same
// way out: return
// types: -
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/trusted.hpp>

#include <string_view>

namespace return_trusted_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return mayfly::trusted(request.arena().copy(escape::long_text));
  });
  escape::next_request(pool);
  std::string_view const word = answer.get();
  escape::touch(word);
}

}  // namespace return_trusted_view
