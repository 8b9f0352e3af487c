// legal: a scope_id and a stop token are kept for ever and answer that the request has ended

#include "program.hpp"
#include <mayfly/scope_registry.hpp>

namespace keep_ids_and_tokens {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::scope_id id;
  mayfly::stop_token token;
  pool.run({.route = "ids"},
           [&](mayfly::request_context& request) {
             id = request.id();
             token = request.stop_token();
             escape::require(!token.stop_requested(), "it goes on");
           })
      .value();
  escape::next_request(pool);
  escape::require(token.stop_requested() && !pool.registry().find(id), "it has ended");
}

}  // namespace keep_ids_and_tokens
