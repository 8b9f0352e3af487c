// pattern: a monotonic_buffer_resource that lives longer has the request's memory as its upstream
// way out: memory_resource
// types: -
// egress: -
// tripwire: MF-E22
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>
#include <memory_resource>
#include <new>

namespace monotonic_upstream {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::unique_ptr<std::pmr::monotonic_buffer_resource> buffer;
  void* first = nullptr;
  pool.run({.route = "leak"},
           [&](mayfly::request_context& request) {
             buffer = std::make_unique<std::pmr::monotonic_buffer_resource>(1'000, request.memory());
             first = buffer->allocate(100);
           })
      .value();
  escape::next_request(pool);
  try {
    static_cast<void>(buffer->allocate(10'000));  // more than is left: it asks upstream
  } catch (std::bad_alloc const&) {
    escape::touch(first, 100);
  }
}

}  // namespace monotonic_upstream
