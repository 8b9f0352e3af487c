// legal: move assignment from the arena to other storage copies

#include "program.hpp"

#include <string>

namespace assign_to_heap_string {

static std::pmr::string last_user;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "assign"},
           [](mayfly::request_context& request) {
             std::pmr::string name{escape::long_text, request.memory()};
             last_user = std::move(name);
           })
      .value();
  escape::next_request(pool);
  escape::require(last_user == escape::long_text, "the copy is whole");
}

}  // namespace assign_to_heap_string
