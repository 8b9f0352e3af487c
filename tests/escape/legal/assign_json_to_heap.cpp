// legal: move assignment of a Boost.JSON tree to other storage copies

#include "program.hpp"
#include <mayfly/json_resource.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <memory>

namespace assign_json_to_heap {

ESCAPE_PROGRAM {
  auto const last_order = std::make_unique<boost::json::value>();
  mayfly::executor pool{escape::options()};
  pool.run({.route = "assign"},
           [&last_order](mayfly::request_context& request) {
             boost::json::value tree =
                 boost::json::parse(R"({"name":"a text that is not short"})", mayfly::json_storage(request.arena()));
             *last_order = std::move(tree);
           })
      .value();
  escape::next_request(pool);
  escape::require(boost::json::serialize(*last_order) == R"({"name":"a text that is not short"})", "the copy is whole");
}

}  // namespace assign_json_to_heap
