// pattern: a loop over the rows of a table in the arena goes one row too far
// way out: beyond an allocation
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E32
// asan: use-after-poison

#include "program.hpp"

#include <memory_resource>
#include <vector>

namespace overrun_last_row {

struct row {
  double sum = 0;
  int count = 0;
};
static void clear(row* first, std::size_t last) {
  for (std::size_t i = 0; i <= last; ++i) first[i] = {};
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "careless"},
           [](mayfly::request_context& request) {
             std::pmr::vector<row> rows(100, request.memory());
             escape::about_to_touch();
             clear(rows.data(), rows.size());
           })
      .value();
  escape::next_request(pool);
}

}  // namespace overrun_last_row
