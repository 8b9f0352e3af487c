// pattern: a vector over arena_allocator is the handler's result
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/arena_allocator.hpp>

#include <vector>

namespace return_arena_allocator {

ESCAPE_PROGRAM {
  using numbers = std::vector<int, mayfly::arena_allocator<int>>;
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return numbers(100, 7, mayfly::arena_allocator<int>{request.arena()});
  });
  escape::next_request(pool);
  numbers const result = answer.get();
  escape::touch(result.data(), result.size() * sizeof(int));
}

}  // namespace return_arena_allocator
