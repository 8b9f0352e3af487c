// legal: each worker has a scratch buffer for ever, in which requests put their answers together

#include "program.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace thread_local_scratch {

struct scratch {
  std::string text;
  std::vector<std::size_t> positions;
};
/// Doubles each 'o' of a text. Positions rather than pointers are kept meanwhile.
static std::string stretch(std::string_view text) {
  thread_local scratch mine;
  mine.text.assign(text);
  mine.positions.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == 'o') mine.positions.push_back(i);
  }
  for (auto at = mine.positions.rbegin(); at != mine.positions.rend(); ++at) mine.text.insert(*at, 1, 'o');
  return mine.text;
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  for (int i = 0; i < 3; ++i) {
    auto const longer =
        pool.submit("stretch",
                    [](mayfly::request_context& request) { return stretch(request.arena().copy(escape::long_text)); })
            .get();
    escape::require(longer.find("toooo loong foor") != std::string::npos, "the text is stretched");
  }
  escape::next_request(pool);
}

}  // namespace thread_local_scratch
