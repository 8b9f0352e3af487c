// pattern: a filtered and transformed view is returned, which looks at the rows only when somebody asks
// way out: return, lazily evaluated range
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <ranges>

namespace return_lazy_view {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    auto const prices = request.arena().make_span<int>(200);
    for (int i = 0; int& each : prices) each = ++i;
    return prices | std::views::filter([](int price) { return price % 2 == 0; }) |
           std::views::transform([](int price) { return price * 3; });
  });
  escape::next_request(pool);
  auto totals = answer.get();
  escape::about_to_touch();
  int sum = 0;
  for (int const each : totals) sum += each;
  escape::require(sum != 0, "there is a sum");
}

}  // namespace return_lazy_view
