// pattern: allocate_shared puts object and reference count into the arena
// way out: return
// types: -
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>
#include <memory_resource>
#include <string>

namespace return_allocate_shared {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto text = pool.submit("leak", [](mayfly::request_context& request) {
    std::pmr::polymorphic_allocator<> const memory{request.memory()};
    return std::allocate_shared<std::string>(memory, escape::long_text);
  });
  escape::next_request(pool);
  escape::about_to_touch();  // the count is read when the last pointer goes
  std::shared_ptr<std::string> const copy = text.get();
  escape::touch(*copy);
}

}  // namespace return_allocate_shared
