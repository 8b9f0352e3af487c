// pattern: a pmr vector on the heap was made with the request's memory and grows later
// way out: memory_resource, older container
// types: -
// egress: -
// tripwire: MF-E22
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>
#include <vector>

namespace older_container_of_resource {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::unique_ptr<std::pmr::vector<int>> numbers;
  pool.run({.route = "leak"},
           [&numbers](mayfly::request_context& request) {
             numbers = std::make_unique<std::pmr::vector<int>>(100, 7, request.memory());
           })
      .value();
  escape::next_request(pool);
  try {
    numbers->resize(10'000);
  } catch (std::bad_alloc const&) {
    escape::touch(numbers->data(), numbers->size() * sizeof(int));
  }
}

}  // namespace older_container_of_resource
