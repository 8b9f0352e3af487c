// pattern: requests for the same thing share one answer; the one that computed it made it of its own memory
// way out: shared future
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <future>
#include <map>
#include <memory>
#include <string>

namespace single_flight_shared_string {

using answer = std::shared_ptr<std::pmr::string const>;
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::map<std::string, std::shared_future<answer>> flights;
  std::promise<answer> first;
  flights.emplace("/news", first.get_future());
  pool.run({.route = "leak"},
           [&first](mayfly::request_context& request) {
             first.set_value(std::make_shared<std::pmr::string const>(escape::long_text, request.memory()));
           })
      .value();
  escape::next_request(pool);
  pool.run({.route = "second"}, [&flights](mayfly::request_context&) { escape::touch(*flights.at("/news").get()); })
      .value();
}

}  // namespace single_flight_shared_string
