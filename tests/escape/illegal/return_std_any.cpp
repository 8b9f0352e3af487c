// pattern: the result is a std::any that holds a pointer
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <any>

namespace return_std_any {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer =
      pool.submit("leak", [](mayfly::request_context& request) { return std::any{request.arena().make<int>(7)}; });
  escape::next_request(pool);
  std::any const box = answer.get();
  escape::touch(std::any_cast<int*>(box), sizeof(int));
}

}  // namespace return_std_any
