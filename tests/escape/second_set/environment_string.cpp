// pattern: a user's time zone is put into the environment, which keeps the string itself and not a copy
// way out: environment of the process
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include <unistd.h>

namespace environment_string {

static std::string block_for_child() {
  std::string block;
  for (char** each = environ; *each != nullptr; ++each) block.append(*each).push_back('\0');
  return block;
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) {
             std::string_view const zone = "TZ=Europe/Zurich";
             auto const text = request.arena().make_span<char>(zone.size() + 1);
             std::ranges::copy(zone, text.begin());
             text.back() = '\0';
             ::putenv(text.data());
           })
      .value();
  escape::next_request(pool);
  escape::about_to_touch();
  escape::require(!block_for_child().empty(), "there is an environment");
}

}  // namespace environment_string
