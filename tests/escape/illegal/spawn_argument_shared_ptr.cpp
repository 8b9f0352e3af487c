// pattern: an aliasing shared_ptr is passed to a detached task
// way out: argument of a task that outlives
// types: -
// egress: MF-E14
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>

namespace spawn_argument_shared_ptr {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "parent"},
           [&pool](mayfly::request_context& request) {
             std::shared_ptr<int> count{std::make_shared<long>(1), request.arena().make<int>(7)};
             auto const admitted = pool.spawn(
                 {.route = "child"},
                 [](mayfly::request_context&, std::shared_ptr<int> const& mine) {
                   escape::touch(mine.get(), sizeof(int));
                 },
                 std::move(count));
             static_cast<void>(admitted);
           })
      .value();
  escape::next_request(pool);
}

}  // namespace spawn_argument_shared_ptr
