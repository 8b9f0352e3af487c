// pattern: a std::packaged_task that captures a view is the handler's result
// way out: return, std::packaged_task
// types: MF-E01
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <future>

namespace return_packaged_task {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return std::packaged_task<void()>{[text = request.arena().copy(escape::long_text)] { escape::touch(text); }};
  });
  escape::next_request(pool);
  auto later = answer.get();
  later();
}

}  // namespace return_packaged_task
