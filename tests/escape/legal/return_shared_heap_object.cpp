// legal: a shared_ptr to a heap object leaves

#include "program.hpp"

#include <memory>
#include <string>

namespace return_shared_heap_object {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const text = pool.submit("share",
                                [](mayfly::request_context& request) {
                                  return std::make_shared<std::string>(request.arena().copy(escape::long_text));
                                })
                        .get();
  escape::next_request(pool);
  escape::require(*text == escape::long_text, "the object is whole");
}

}  // namespace return_shared_heap_object
