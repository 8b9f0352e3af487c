// pattern: pmr strings are moved into a list that is older than the scope
// way out: older container, move construction
// types: -
// egress: -
// tripwire: MF-E21
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <list>
#include <string>

namespace older_list_of_pmr_strings {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::list<std::pmr::string> recent;
  for (int i = 0; i < 2; ++i) {
    pool.run({.route = "leak"},
             [&recent](mayfly::request_context& request) {
               std::pmr::string text{escape::long_text, request.memory()};
               recent.push_back(std::move(text));
             })
        .value();
  }
  escape::next_request(pool);
  recent.pop_front();
  escape::touch(recent.back());
}

}  // namespace older_list_of_pmr_strings
