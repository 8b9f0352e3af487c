// legal: a nested scope writes its result into memory of the scope around it

#include "program.hpp"

#include <string>
#include <vector>

namespace nested_uses_parent_memory {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("parent", [](mayfly::request_context& request) {
    auto const numbers = request.arena().make_span<int>(100);
    int const last = request.nested([numbers](mayfly::request_context& inner) {
      std::pmr::vector<int> const scratch(100, 7, inner.memory());
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = scratch[i];
      return scratch.back();
    });
    return last + numbers[0];
  });
  escape::next_request(pool);
  escape::require(answer.get() == 14, "both have run");
}

}  // namespace nested_uses_parent_memory
