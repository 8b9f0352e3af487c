// pattern: the completion, which may read the arena, keeps what it read
// way out: global, completion
// types: -
// egress: -
// tripwire: -
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace completion_publishes {

static std::string_view last_answer;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const admitted = pool.try_submit(
      {.route = "leak"}, [](mayfly::request_context& request) { return request.arena().copy(escape::long_text); },
      [](mayfly::outcome<std::string_view> const& answer, mayfly::request_context&) { last_answer = *answer; });
  escape::require(static_cast<bool>(admitted), "the request is accepted");
  escape::next_request(pool);
  escape::touch(last_answer);
}

}  // namespace completion_publishes
