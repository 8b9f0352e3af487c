// pattern: the result is a std::function whose small buffer holds a pointer
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <functional>

namespace return_std_function {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    int* const count = request.arena().make<int>(7);
    return std::function<void()>{[count] { escape::touch(count, sizeof(int)); }};
  });
  escape::next_request(pool);
  std::function<void()> const later = answer.get();
  later();
}

}  // namespace return_std_function
