// pattern: a pointer leaves through a pipe
// way out: foreign queue, system call
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <array>

#include <unistd.h>

namespace through_a_pipe {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::array<int, 2> ends{};
  escape::require(::pipe(ends.data()) == 0, "a pipe");
  pool.run({.route = "leak"},
           [&ends](mayfly::request_context& request) {
             char const* const text = request.arena().copy(escape::long_text).data();
             escape::require(::write(ends[1], static_cast<void const*>(&text), sizeof text) == sizeof text,
                             "a whole pointer");
           })
      .value();
  escape::next_request(pool);
  char const* text = nullptr;
  escape::require(::read(ends[0], static_cast<void*>(&text), sizeof text) == sizeof text, "a whole pointer");
  escape::touch(text, escape::long_text.size());
}

}  // namespace through_a_pipe
