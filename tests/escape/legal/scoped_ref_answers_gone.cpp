// legal: a handle is kept for ever and answers that its object is gone

#include "program.hpp"
#include <mayfly/scoped_ref.hpp>

namespace scoped_ref_answers_gone {

static mayfly::scoped_ref<int> last_count;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "handle"},
           [](mayfly::request_context& request) {
             last_count = mayfly::scoped_ref<int>{request.scope(), *request.arena().make<int>(7)};
             escape::require(last_count.get() != nullptr && *last_count.get() == 7, "it is there");
           })
      .value();
  escape::next_request(pool);
  escape::require(last_count.get() == nullptr && !last_count.pin(), "it is gone");
}

}  // namespace scoped_ref_answers_gone
