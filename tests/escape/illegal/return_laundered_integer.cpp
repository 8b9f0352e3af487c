// pattern: a pointer leaves as a std::uintptr_t
// way out: return
// types: -
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <cstdint>

namespace return_laundered_integer {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return reinterpret_cast<std::uintptr_t>(request.arena().copy(escape::long_text).data());
  });
  escape::next_request(pool);
  std::uintptr_t const number = answer.get();
  escape::touch(reinterpret_cast<void const*>(number), escape::long_text.size());  // NOLINT
}

}  // namespace return_laundered_integer
