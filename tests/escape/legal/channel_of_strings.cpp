// legal: copies are sent through a channel

#include "program.hpp"
#include <mayfly/channel.hpp>

#include <string>

namespace channel_of_strings {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::channel<std::string> names{16, pool.options().egress};
  pool.run({.route = "send"},
           [&names](mayfly::request_context& request) {
             names.send(mayfly::detach(request.arena().copy(escape::long_text)));
           })
      .value();
  escape::next_request(pool);
  escape::require(names.try_receive() == escape::long_text, "the copy is whole");
}

}  // namespace channel_of_strings
