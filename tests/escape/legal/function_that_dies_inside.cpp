// legal: a std::function captures views and dies inside the request

#include "program.hpp"

#include <functional>
#include <string_view>

namespace function_that_dies_inside {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::size_t const sum =
      pool.submit("function",
                  [](mayfly::request_context& request) {
                    auto const one = request.arena().copy(escape::long_text);
                    auto const two = request.arena().copy("short");
                    std::function<std::size_t()> const lengths = [one, two] { return one.size() + two.size(); };
                    return lengths();
                  })
          .get();
  escape::next_request(pool);
  escape::require(sum == escape::long_text.size() + 5, "both are whole");
}

}  // namespace function_that_dies_inside
