// pattern: heap containers all the way down, and a view in the leaf
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace return_nested_containers {

using leaf = std::tuple<int, std::variant<int, std::string_view>>;
using tree = std::vector<std::map<int, std::optional<leaf>>>;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    tree made(1);
    made[0][7] = leaf{1, request.arena().copy(escape::long_text)};
    return made;
  });
  escape::next_request(pool);
  tree const result = answer.get();
  escape::touch(std::get<std::string_view>(std::get<1>(*result.at(0).at(7))));
}

}  // namespace return_nested_containers
