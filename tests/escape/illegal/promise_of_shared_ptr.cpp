// pattern: an aliasing shared_ptr is put into a promise
// way out: promise
// types: -
// egress: MF-E15
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/promise.hpp>

#include <memory>

namespace promise_of_shared_ptr {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::promise<std::shared_ptr<int>> answer{pool.options().egress};
  auto count = answer.get_future();
  pool.run({.route = "leak"},
           [&answer](mayfly::request_context& request) {
             answer.set_value(std::shared_ptr<int>{std::make_shared<long>(1), request.arena().make<int>(7)});
           })
      .value();
  escape::next_request(pool);
  auto const received = count.get();
  escape::touch(received.get(), sizeof(int));
}

}  // namespace promise_of_shared_ptr
