// pattern: a member of an object that lives longer is set to a view
// way out: member of something older
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>
#include <string_view>

namespace member_of_service {

struct service {
  int requests = 0;
  std::string_view last_user;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const shop = std::make_unique<service>();
  pool.run({.route = "leak"},
           [&shop = *shop](mayfly::request_context& request) {
             ++shop.requests;
             shop.last_user = request.arena().copy(escape::long_text);
           })
      .value();
  escape::next_request(pool);
  escape::touch(shop->last_user);
}

}  // namespace member_of_service
