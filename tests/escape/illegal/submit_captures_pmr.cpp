// pattern: a pmr vector is moved into the closure of a request that outlives its scope
// way out: capture of a task that outlives, move construction
// types: -
// egress: MF-E11
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <vector>

namespace submit_captures_pmr {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             std::pmr::vector<int> numbers(100, 7, request.memory());
             auto answer = pool.submit("child", [numbers = std::move(numbers)](mayfly::request_context&) {
               escape::touch(numbers.data(), numbers.size() * sizeof(int));
             });
           })
      .value();
  escape::next_request(pool);
}

}  // namespace submit_captures_pmr
