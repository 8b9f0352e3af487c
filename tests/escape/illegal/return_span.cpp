// pattern: a span of the arena is the handler's result
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <span>

namespace return_span {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer =
      pool.submit("leak", [](mayfly::request_context& request) { return request.arena().make_span<double>(100); });
  escape::next_request(pool);
  std::span<double> const numbers = answer.get();
  escape::touch(numbers.data(), numbers.size_bytes());
}

}  // namespace return_span
