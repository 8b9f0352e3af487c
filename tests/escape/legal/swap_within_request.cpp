// legal: two containers of one request are swapped

#include "program.hpp"

#include <vector>

namespace swap_within_request {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  int const first = pool.submit("swap",
                                [](mayfly::request_context& request) {
                                  std::pmr::vector<int> left(10, 1, request.memory());
                                  std::pmr::vector<int> right(20, 2, request.memory());
                                  left.swap(right);
                                  return left.front();
                                })
                        .get();
  escape::next_request(pool);
  escape::require(first == 2, "they are swapped");
}

}  // namespace swap_within_request
