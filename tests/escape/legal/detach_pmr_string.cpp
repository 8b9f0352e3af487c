// legal: a pmr string is detached and returned

#include "program.hpp"

#include <string>

namespace detach_pmr_string {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::string const text = pool.submit("detach",
                                       [](mayfly::request_context& request) {
                                         std::pmr::string const made{escape::long_text, request.memory()};
                                         return mayfly::detach(made);
                                       })
                               .get();
  escape::next_request(pool);
  escape::require(text == escape::long_text, "the copy is whole");
}

}  // namespace detach_pmr_string
