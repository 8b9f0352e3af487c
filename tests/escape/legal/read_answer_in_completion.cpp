// legal: a completion reads an answer that lies in the arena, and keeps a copy

#include "program.hpp"

#include <string>
#include <string_view>

namespace read_answer_in_completion {

ESCAPE_PROGRAM {
  std::string kept;
  mayfly::executor pool{escape::options()};
  auto const admitted = pool.try_submit(
      {.route = "read"}, [](mayfly::request_context& request) { return request.arena().copy(escape::long_text); },
      [&kept](mayfly::outcome<std::string_view> const& answer, mayfly::request_context&) { kept = *answer; });
  escape::require(static_cast<bool>(admitted), "the request is accepted");
  escape::next_request(pool);
  escape::require(kept == escape::long_text, "the copy is whole");
}

}  // namespace read_answer_in_completion
