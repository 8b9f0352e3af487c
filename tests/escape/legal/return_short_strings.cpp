// legal: short strings were built where arena addresses lay on the stack before

#include "program.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace return_short_strings {

struct line {
  std::string text;
  int number;
};
static std::size_t spread_addresses(mayfly::request_context& request) {
  std::array<std::string_view, 64> views;
  for (auto& view : views) view = request.arena().copy("x");
  std::size_t sum = 0;
  for (auto const& view : views) sum += view.size();
  return sum;
}
static std::vector<line> make_lines() {
  line one;
  one.text = "a";  // fifteen more bytes of the small buffer are whatever they were
  one.number = 1;
  return {one, one};
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const lines = pool.submit("lines",
                                 [](mayfly::request_context& request) {
                                   escape::require(spread_addresses(request) == 64, "the views are whole");
                                   return make_lines();
                                 })
                         .get();
  escape::next_request(pool);
  escape::require(lines.at(1).text == "a" && lines.at(1).number == 1, "the lines are whole");
}

}  // namespace return_short_strings
