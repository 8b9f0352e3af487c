// pattern: a nested scope returns an aliasing shared_ptr
// way out: nested scope
// types: -
// egress: MF-E16
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>

namespace nested_returns_shared_ptr {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [](mayfly::request_context& request) {
             auto const count = request.nested([](mayfly::request_context& inner) {
               return std::shared_ptr<int>{std::make_shared<long>(1), inner.arena().make<int>(7)};
             });
             escape::touch(count.get(), sizeof(int));
           })
      .value();
}

}  // namespace nested_returns_shared_ptr
