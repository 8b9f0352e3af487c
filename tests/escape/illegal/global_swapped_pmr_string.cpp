// pattern: swap with unequal resources exchanges the buffers and not the resources
// way out: global, swap
// types: -
// egress: -
// tripwire: MF-E21
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string>

namespace global_swapped_pmr_string {

static std::pmr::string last_user{"a name that has its place on the heap", std::pmr::new_delete_resource()};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) {
             std::pmr::string name{escape::long_text, request.memory()};
             last_user.swap(
                 name);  // undefined; the heap's bytes go to the request's resource at the end of this line's scope
           })
      .value();
  escape::next_request(pool);
  escape::touch(last_user);
}

}  // namespace global_swapped_pmr_string
