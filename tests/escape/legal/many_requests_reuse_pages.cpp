// legal: two hundred requests use the same pages again, and each finds its own bytes

#include "program.hpp"

#include <string>
#include <vector>

namespace many_requests_reuse_pages {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  for (int i = 0; i < 200; ++i) {
    auto const text = pool.submit("many",
                                  [i](mayfly::request_context& request) {
                                    std::pmr::vector<std::pmr::string> words{request.memory()};
                                    for (int n = 0; n < 50; ++n) words.emplace_back(escape::long_text);
                                    words.emplace_back(std::to_string(i));
                                    return mayfly::detach(words.back());
                                  })
                          .get();
    escape::require(text == std::to_string(i), "the text is its own request's");
  }
}

}  // namespace many_requests_reuse_pages
