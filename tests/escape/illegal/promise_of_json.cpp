// pattern: a Boost.JSON tree is moved into a promise
// way out: promise, move construction
// types: MF-E06
// egress: MF-E15
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/json_resource.hpp>
#include <mayfly/promise.hpp>

#include <boost/json/parse.hpp>

namespace promise_of_json {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::promise<boost::json::value> answer{pool.options().egress};
  auto order = answer.get_future();
  pool.run({.route = "leak"},
           [&answer](mayfly::request_context& request) {
             answer.set_value(
                 boost::json::parse(R"(["a text that is not short"])", mayfly::json_storage(request.arena())));
           })
      .value();
  escape::next_request(pool);
  auto const tree = order.get();
  escape::about_to_touch();
  escape::touch(&tree.get_array()[0], sizeof(boost::json::value));
}

}  // namespace promise_of_json
