// pattern: a helper's helper, which knows nothing of arenas, keeps a view in a global
// way out: global, helper functions
// types: -
// egress: -
// tripwire: -
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace global_two_calls_deep {

static std::array<std::string_view, 8> recent;
static std::size_t recent_count = 0;
static void remember(std::string_view text) { recent[recent_count++ % recent.size()] = text; }
static void note_user(std::string_view user) {
  if (!user.empty()) remember(user.substr(1));
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) { note_user(request.arena().copy(escape::long_text)); })
      .value();
  escape::next_request(pool);
  escape::touch(recent[0]);
}

}  // namespace global_two_calls_deep
