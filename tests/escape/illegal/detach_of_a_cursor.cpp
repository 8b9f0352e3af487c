// pattern: detach() is asked for a copy of a struct with a pointer in it, which is kept in a global
// way out: global, detach()
// types: MF-E02
// egress: -
// tripwire: -
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace detach_of_a_cursor {

struct cursor {
  char const* at;
  std::size_t left;
};
static cursor next_page{};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) {
             std::string_view const text = request.arena().copy(escape::long_text);
             next_page = mayfly::detach(cursor{text.data(), text.size()});
           })
      .value();
  escape::next_request(pool);
  escape::touch(next_page.at, next_page.left);
}

}  // namespace detach_of_a_cursor
