// pattern: a cursor keeps the iterator at which the next page of a result in request memory begins
// way out: iterator in a table of sessions
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <iterator>
#include <map>
#include <new>
#include <unordered_map>

namespace cursor_iterator_kept {

using rows = std::pmr::map<int, double>;
struct cursor {
  rows::const_iterator next;
  std::size_t left = 0;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::unordered_map<int, cursor> sessions;
  pool.run({.route = "first page"},
           [&sessions](mayfly::request_context& request) {
             // Not a local variable: the next page is to find it again.
             auto& found = *::new (request.arena().allocate(sizeof(rows), alignof(rows))) rows{request.memory()};
             for (int i = 0; i < 100; ++i) found.emplace(i, i * 0.5);
             sessions[7] = {.next = std::next(found.cbegin(), 10), .left = 90};
           })
      .value();
  escape::next_request(pool);
  auto& [next, left] = sessions.at(7);
  escape::about_to_touch();
  for (double sum = next->second; left != 0 && sum < 1e9; --left, ++next) sum += next->second;
}

}  // namespace cursor_iterator_kept
