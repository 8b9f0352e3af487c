// legal: an aliasing shared_ptr points into the heap object that it owns

#include "program.hpp"

#include <memory>
#include <string>
#include <utility>

namespace return_aliasing_within_heap {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const name = pool.submit("share",
                                [](mayfly::request_context&) {
                                  auto const both = std::make_shared<std::pair<int, std::string>>(7, "a heap string");
                                  return std::shared_ptr<std::string>{both, &both->second};
                                })
                        .get();
  escape::next_request(pool);
  escape::require(*name == "a heap string", "the object is whole");
}

}  // namespace return_aliasing_within_heap
