// legal: a response is put together in the arena, and its detached copy is moved to a connection that lives longer

#include "program.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace response_to_connection {

struct response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
/// Has what is still to be sent.
struct connection {
  std::vector<response> outgoing;
};
ESCAPE_PROGRAM {
  auto const client = std::make_shared<connection>();
  mayfly::executor pool{escape::options()};
  auto const admitted = pool.try_submit(
      {.route = "page"},
      [](mayfly::request_context& request) {
        std::pmr::vector<std::pair<std::pmr::string, std::pmr::string>> headers{request.memory()};
        headers.emplace_back("content-type", "text/plain; charset=a-long-name-of-a-character-set");
        std::pmr::string body{request.memory()};
        for (int i = 0; i < 100; ++i) body += escape::long_text;
        return response{200, mayfly::detach(headers), mayfly::detach(body)};
      },
      [client](mayfly::outcome<response> const& made, mayfly::request_context&) { client->outgoing.push_back(*made); });
  escape::require(static_cast<bool>(admitted), "the request is accepted");
  escape::next_request(pool);
  response const sent = std::move(client->outgoing.at(0));
  escape::require(sent.status == 200 && sent.headers.at(0).first == "content-type", "the headers are whole");
  escape::require(sent.body.size() == 100 * escape::long_text.size(), "the body is whole");
}

}  // namespace response_to_connection
