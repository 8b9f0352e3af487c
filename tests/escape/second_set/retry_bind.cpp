// pattern: a retry is bound to a weak pointer, which asks whether the client lives, and to a view, which does not ask
// way out: std::bind in a queue of retries
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string_view>

namespace retry_bind {

struct client {
  int sent = 0;
  void send(std::string_view body) {
    escape::touch(body);
    ++sent;
  }
};
static void send_if_alive(std::weak_ptr<client> const& target, std::string_view body) {
  if (auto const alive = target.lock()) alive->send(body);
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const upstream = std::make_shared<client>();
  std::deque<std::function<void()>> retries;
  pool.run({.route = "leak"},
           [&](mayfly::request_context& request) {
             retries.emplace_back(
                 std::bind(&send_if_alive, std::weak_ptr{upstream}, request.arena().copy(escape::long_text)));
           })
      .value();
  escape::next_request(pool);
  for (auto const& each : retries) each();
}

}  // namespace retry_bind
