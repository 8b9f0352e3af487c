// pattern: a global is move constructed from a Boost.JSON tree, and keeps its storage
// way out: global, move construction
// types: -
// egress: -
// tripwire: -
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/json_resource.hpp>

#include <boost/json/parse.hpp>

#include <optional>

namespace global_moved_json_value {

static std::optional<boost::json::value> last_order;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"},
           [](mayfly::request_context& request) {
             boost::json::value tree =
                 boost::json::parse(R"({"name": "a text that is not short"})", mayfly::json_storage(request.arena()));
             last_order.emplace(std::move(tree));
           })
      .value();
  escape::next_request(pool);
  escape::about_to_touch();
  escape::touch(last_order->at("name").get_string());
}

}  // namespace global_moved_json_value
