// legal: a global points into the arena and is cleared before the request ends

#include "program.hpp"

#include <string_view>

namespace global_cleared_in_time {

static std::string_view current_user;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::size_t const length = pool.submit("global",
                                         [](mayfly::request_context& request) {
                                           current_user = request.arena().copy(escape::long_text);
                                           std::size_t const size = current_user.size();
                                           current_user = {};
                                           return size;
                                         })
                                 .get();
  escape::next_request(pool);
  escape::require(length == escape::long_text.size(), "the text was whole");
}

}  // namespace global_cleared_in_time
