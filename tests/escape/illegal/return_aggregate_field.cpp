// pattern: the guilty view is a field of a field of a plain struct
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string>
#include <string_view>

namespace return_aggregate_field {

struct name {
  int length;
  std::string_view text;
};
struct customer {
  std::string city;
  name last;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return customer{"Lima", {5, request.arena().copy(escape::long_text)}};
  });
  escape::next_request(pool);
  auto const found = answer.get();
  escape::touch(found.last.text);
}

}  // namespace return_aggregate_field
