// legal: a Boost.JSON tree lives in the arena and leaves as text

#include "program.hpp"
#include <mayfly/json_resource.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <string>

namespace json_answer_as_text {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::string const text = pool.submit("json",
                                       [](mayfly::request_context& request) {
                                         boost::json::value const tree = boost::json::parse(
                                             R"({"a":[1,2,{"b":"text"}]})", mayfly::json_storage(request.arena()));
                                         return boost::json::serialize(tree);
                                       })
                               .get();
  escape::next_request(pool);
  escape::require(text == R"({"a":[1,2,{"b":"text"}]})", "the text is whole");
}

}  // namespace json_answer_as_text
