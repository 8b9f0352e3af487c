// legal: vectors of maps of strings are detached to the last leaf

#include "program.hpp"

#include <map>
#include <string>
#include <vector>

namespace detach_nested_tree {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const tables = pool.submit("detach",
                                  [](mayfly::request_context& request) {
                                    std::pmr::vector<std::pmr::map<std::pmr::string, int>> made{request.memory()};
                                    made.emplace_back()[std::pmr::string{escape::long_text}] = 7;
                                    return mayfly::detach(made);
                                  })
                          .get();
  escape::next_request(pool);
  escape::require(tables.at(0).at(std::string{escape::long_text}) == 7, "the copy is whole");
}

}  // namespace detach_nested_tree
