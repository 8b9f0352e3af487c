// pattern: an aliasing shared_ptr owns a heap object and points into the arena
// way out: return
// types: -
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>

namespace return_aliasing_shared_ptr {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return std::shared_ptr<int>{std::make_shared<long>(1), request.arena().make<int>(7)};
  });
  escape::next_request(pool);
  std::shared_ptr<int> const count = answer.get();
  escape::touch(count.get(), sizeof(int));
}

}  // namespace return_aliasing_shared_ptr
