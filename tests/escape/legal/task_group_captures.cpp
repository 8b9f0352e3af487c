// legal: tasks of a group capture pmr containers of their request

#include "program.hpp"

#include <vector>

namespace task_group_captures {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::size_t const count = pool.submit("group",
                                        [](mayfly::request_context& request) {
                                          std::pmr::vector<int> left{request.memory()};
                                          std::pmr::vector<int> right{request.memory()};
                                          mayfly::task_group group{request};
                                          group.run([&left] { left.assign(100, 1); });
                                          group.run([&right] { right.assign(200, 2); });
                                          group.wait();
                                          return left.size() + right.size();
                                        })
                                .get();
  escape::next_request(pool);
  escape::require(count == 300, "both tasks have run");
}

}  // namespace task_group_captures
