// pattern: a thread_local remembers an object of the request before
// way out: thread_local
// types: -
// egress: -
// tripwire: -
// audit: MF-E42
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace thread_local_pointer {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const use = [](mayfly::request_context& request) {
    thread_local int const* previous = nullptr;
    if (previous != nullptr) escape::touch(previous, sizeof(int));
    previous = request.arena().make<int>(7);
  };
  pool.submit("leak", use).get();
  pool.submit("leak", use).get();
}

}  // namespace thread_local_pointer
