// pattern: a unique_ptr whose deleter does nothing points into the arena
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>

namespace return_custom_deleter {

struct no_delete {
  void operator()(int*) const {}
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return std::unique_ptr<int, no_delete>{request.arena().make<int>(7)};
  });
  escape::next_request(pool);
  auto const count = answer.get();
  escape::touch(count.get(), sizeof(int));
}

}  // namespace return_custom_deleter
