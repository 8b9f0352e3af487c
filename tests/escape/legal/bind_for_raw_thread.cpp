// legal: a bound function allocates in its request from another thread, which is joined

#include "program.hpp"

#include <thread>
#include <vector>

namespace bind_for_raw_thread {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::size_t const count = pool.submit("bind",
                                        [](mayfly::request_context& request) {
                                          std::pmr::vector<int> numbers{request.memory()};
                                          std::thread{request.bind([&numbers] { numbers.assign(100, 7); })}.join();
                                          return numbers.size();
                                        })
                                .get();
  escape::next_request(pool);
  escape::require(count == 100, "the thread has written");
}

}  // namespace bind_for_raw_thread
