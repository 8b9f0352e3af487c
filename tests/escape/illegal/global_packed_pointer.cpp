// pattern: a packed record in a global keeps the pointer at an odd address
// way out: global
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace global_packed_pointer {

#pragma pack(push, 1)
struct packed_entry {
  char kind;
  char const* text;
};
#pragma pack(pop)
alignas(16) static packed_entry last_entry;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) { last_entry = {'u', request.arena().copy(escape::long_text).data()}; })
      .value();
  escape::next_request(pool);
  char const* const text = last_entry.text;
  escape::touch(text, escape::long_text.size());
}

}  // namespace global_packed_pointer
