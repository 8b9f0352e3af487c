// pattern: a connection's state machine waits with a pointer to the node of a JSON tree at which it is to go on
// way out: alternative of a variant
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/json_resource.hpp>

#include <boost/json/parse.hpp>

#include <memory>
#include <variant>

namespace json_node_in_variant {

struct idle {};
struct awaiting_payment {
  boost::json::value const* order = nullptr;
};
struct closed {
  int reason = 0;
};
struct connection {
  std::variant<idle, awaiting_payment, closed> state;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const client = std::make_shared<connection>();
  pool.run({.route = "order"},
           [client](mayfly::request_context& request) {
             boost::json::value const message =
                 boost::json::parse(R"({"order": {"items": [{"name": "a lamp that is too long for a short string"}]}})",
                                    mayfly::json_storage(request.arena()));
             client->state = awaiting_payment{&message.at("order").at("items").at(0)};
           })
      .value();
  escape::next_request(pool);
  auto const& waiting = std::get<awaiting_payment>(client->state);
  escape::about_to_touch();
  escape::touch(waiting.order->at("name").as_string());
}

}  // namespace json_node_in_variant
