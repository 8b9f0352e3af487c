// pattern: a nested scope returns a pointer through two helper functions
// way out: nested scope, helper functions
// types: MF-E05
// egress: MF-E16
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace nested_returns_pointer {

struct node {
  int value;
  node* next;
};
static node* make_node(mayfly::arena& memory) { return memory.make<node>(7, nullptr); }
static auto build(mayfly::request_context& inner) { return make_node(inner.arena()); }
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [](mayfly::request_context& request) {
             node const* const made = request.nested([](mayfly::request_context& inner) { return build(inner); });
             escape::touch(made, sizeof(node));
           })
      .value();
}

}  // namespace nested_returns_pointer
