// legal: a scope inside a handler ends before it, and a copy comes out

#include "program.hpp"
#include <mayfly/effect_handler.hpp>

#include <string>

namespace nested_scope_copies_out {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::string const text = pool.submit("nested",
                                       [&pool](mayfly::request_context&) {
                                         mayfly::scope_stack inner{pool.registry()};
                                         escape::require(static_cast<bool>(inner.enter_request_scope()), "a scope");
                                         std::pmr::string const made{escape::long_text, inner.active()->memory()};
                                         return mayfly::detach(made);
                                       })
                               .get();
  escape::next_request(pool);
  escape::require(text == escape::long_text, "the copy is whole");
}

}  // namespace nested_scope_copies_out
