// pattern: run() gives back a pmr vector
// way out: return, move construction
// types: MF-E01
// egress: MF-E12
// tripwire: MF-E21
// audit: ?
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <vector>

namespace run_returns_pmr_vector {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const leak = [](mayfly::request_context& request) { return std::pmr::vector<int>(100, 7, request.memory()); };
  {
    auto const unread = pool.run({.route = "leak"}, leak);
    escape::next_request(pool);
  }  // its buffer goes back to a resource that is gone
  auto result = pool.run({.route = "leak"}, leak);
  escape::next_request(pool);
  auto const& numbers = result.value();
  escape::touch(numbers.data(), numbers.size() * sizeof(int));
}

}  // namespace run_returns_pmr_vector
