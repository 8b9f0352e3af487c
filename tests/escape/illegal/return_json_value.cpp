// pattern: a Boost.JSON tree is the handler's result: moving it keeps its storage
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/json_resource.hpp>

#include <boost/json/parse.hpp>

namespace return_json_value {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    return boost::json::parse(R"(["a text that is not short"])", mayfly::json_storage(request.arena()));
  });
  escape::next_request(pool);
  boost::json::value const tree = answer.get();
  escape::about_to_touch();
  escape::touch(&tree.get_array()[0], sizeof(boost::json::value));
}

}  // namespace return_json_value
