// pattern: a pointer leaves as an integer that was xored first
// way out: return
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <cstdint>

namespace return_scrambled_pointer {

static constexpr std::uint64_t key = 0x5bd1e9955bd1e995U;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return reinterpret_cast<std::uint64_t>(request.arena().copy(escape::long_text).data()) ^ key;
  });
  escape::next_request(pool);
  std::uint64_t const scrambled = answer.get();
  escape::touch(reinterpret_cast<void const*>(scrambled ^ key), escape::long_text.size());  // NOLINT
}

}  // namespace return_scrambled_pointer
