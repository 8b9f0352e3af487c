// pattern: a pointer to an object made in the arena is the handler's result
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace return_pointer {

struct order {
  int number;
  double total;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer =
      pool.submit("leak", [](mayfly::request_context& request) { return request.arena().make<order>(7, 12.5); });
  escape::next_request(pool);
  order const* const made = answer.get();
  escape::touch(made, sizeof(order));
}

}  // namespace return_pointer
