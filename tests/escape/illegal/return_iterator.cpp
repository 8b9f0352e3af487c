// pattern: an iterator into a pmr vector is the handler's result
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <vector>

namespace return_iterator {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    auto* const all = request.arena().make<std::pmr::vector<int>>(request.memory());
    all->assign({3, 1, 2});
    return all->begin() + 1;
  });
  escape::next_request(pool);
  auto const found = answer.get();
  escape::touch(&*found, sizeof(int));
}

}  // namespace return_iterator
