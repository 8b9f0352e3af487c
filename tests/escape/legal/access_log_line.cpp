// legal: each request logs its id, its route and a user's name, as lines of the log's own that are written later

#include "program.hpp"

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace access_log_line {

/// Lines wait here until the log's thread writes them.
class access_log {
 public:
  void add(std::uint64_t id, std::string_view route, std::string_view user) {
    std::string line = std::to_string(id);
    line.append(" ").append(route).append(" ").append(user);
    std::scoped_lock const lock{mutex_};
    lines_.push_back(std::move(line));
  }
  std::string take() {
    std::scoped_lock const lock{mutex_};
    std::string first = std::move(lines_.front());
    lines_.pop_front();
    return first;
  }

 private:
  std::mutex mutex_;
  std::deque<std::string> lines_;
};
static access_log& log() {
  static access_log the_one;
  return the_one;
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  for (int i = 0; i < 3; ++i) {
    pool.run({.route = "orders"},
             [](mayfly::request_context& request) {
               std::string_view const user = request.arena().copy(escape::long_text);
               log().add(request.id().bits(), request.route(), user);
             })
        .value();
  }
  escape::next_request(pool);
  for (int i = 0; i < 3; ++i) escape::require(log().take().ends_with(escape::long_text), "the line is whole");
}

}  // namespace access_log_line
