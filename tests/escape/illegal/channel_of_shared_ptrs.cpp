// pattern: an aliasing shared_ptr is sent through a channel
// way out: channel
// types: -
// egress: MF-E15
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/channel.hpp>

#include <memory>

namespace channel_of_shared_ptrs {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::channel<std::shared_ptr<int>> counts{16, pool.options().egress};
  pool.run({.route = "leak"},
           [&counts](mayfly::request_context& request) {
             counts.send(std::shared_ptr<int>{std::make_shared<long>(1), request.arena().make<int>(7)});
           })
      .value();
  escape::next_request(pool);
  if (auto const count = counts.try_receive()) escape::touch(count->get(), sizeof(int));
}

}  // namespace channel_of_shared_ptrs
