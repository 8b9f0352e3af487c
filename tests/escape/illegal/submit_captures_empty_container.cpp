// pattern: an empty pmr vector is moved into a request that outlives its own, and grows there
// way out: capture of a task that outlives, memory_resource
// types: -
// egress: MF-E11
// tripwire: MF-E22
// audit: -
// guard: n/a
// asan: n/a

#include "program.hpp"

#include <memory_resource>
#include <utility>
#include <vector>

namespace submit_captures_empty_container {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             std::pmr::vector<int> numbers{request.memory()};
             auto const admitted = pool.try_submit(
                 {.route = "child"},
                 [numbers = std::move(numbers)](mayfly::request_context&) mutable { numbers.push_back(7); },
                 [](mayfly::outcome<void> const&, mayfly::request_context&) {});
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace submit_captures_empty_container
