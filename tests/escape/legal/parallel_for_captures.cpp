// legal: joined subtasks capture views and spans of their request

#include "program.hpp"

#include <numeric>
#include <span>

namespace parallel_for_captures {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  double const sum = pool.submit("sum",
                                 [](mayfly::request_context& request) {
                                   std::span<double> const parts = request.arena().make_span<double>(1'000);
                                   request.parallel_for(0, parts.size(),
                                                        [parts](std::size_t i) { parts[i] = static_cast<double>(i); });
                                   return std::accumulate(parts.begin(), parts.end(), 0.0);
                                 })
                         .get();
  escape::next_request(pool);
  escape::require(sum == 499'500.0, "every part is written");
}

}  // namespace parallel_for_captures
