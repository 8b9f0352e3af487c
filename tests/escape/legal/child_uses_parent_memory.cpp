// legal: a nested scope reads what lies in its parent's arena

#include "program.hpp"
#include <mayfly/effect_handler.hpp>

#include <string_view>

namespace child_uses_parent_memory {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  bool const same = pool.submit("nested",
                                [&pool](mayfly::request_context& request) {
                                  auto const text = request.arena().copy(escape::long_text);
                                  mayfly::scope_stack inner{pool.registry()};
                                  escape::require(static_cast<bool>(inner.enter_request_scope()), "a scope");
                                  auto const copy = inner.active()->arena().copy(text);
                                  return copy == text;
                                })
                        .get();
  escape::next_request(pool);
  escape::require(same, "both lived");
}

}  // namespace child_uses_parent_memory
