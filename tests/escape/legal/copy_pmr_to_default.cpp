// legal: copying a pmr vector takes the default resource, not the request's

#include "program.hpp"

#include <vector>

namespace copy_pmr_to_default {

ESCAPE_PROGRAM {
  std::vector<std::pmr::vector<int>> kept;
  mayfly::executor pool{escape::options()};
  pool.run({.route = "copy"},
           [&kept](mayfly::request_context& request) {
             std::pmr::vector<int> const numbers(100, 7, request.memory());
             kept.push_back(numbers);
           })
      .value();
  escape::next_request(pool);
  escape::require(kept.at(0).size() == 100 && kept[0].back() == 7, "the copy is whole");
}

}  // namespace copy_pmr_to_default
