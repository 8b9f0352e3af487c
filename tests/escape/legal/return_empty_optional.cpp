// legal: a disengaged optional leaves, with bytes inside that nobody has written

#include "program.hpp"

#include <optional>
#include <string_view>
#include <variant>

namespace return_empty_optional {

struct found {
  std::optional<std::uint64_t> count;
  std::variant<char, std::uint64_t> kind;
};
static found none() { return {std::nullopt, 'n'}; }
static std::uint64_t use_stack(mayfly::request_context& request) {
  std::uint64_t addresses[32];
  std::uint64_t sum = 0;
  for (auto& address : addresses) {
    address = reinterpret_cast<std::uint64_t>(request.arena().make<int>(1));
    sum ^= address;
  }
  return sum;
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  found const result = pool.submit("find",
                                   [](mayfly::request_context& request) {
                                     escape::require(use_stack(request) != 1, "the stack is used");
                                     return none();
                                   })
                           .get();
  escape::next_request(pool);
  escape::require(!result.count && std::get<char>(result.kind) == 'n', "nothing is found");
}

}  // namespace return_empty_optional
