// pattern: a reference_wrapper around an object in the arena is the handler's result
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <cstdint>
#include <functional>

namespace return_reference_wrapper {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit(
      "leak", [](mayfly::request_context& request) { return std::ref(*request.arena().make<std::uint64_t>(7U)); });
  escape::next_request(pool);
  auto const number = answer.get();
  escape::touch(&number.get(), sizeof(std::uint64_t));
}

}  // namespace return_reference_wrapper
