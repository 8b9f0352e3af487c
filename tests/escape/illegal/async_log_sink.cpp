// pattern: a log sink keeps the arguments of a message as views and formats them on a thread of its own, later
// way out: logging sink
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>

namespace async_log_sink {

class async_log {
 public:
  void info(std::string_view message, std::string_view argument) {
    std::scoped_lock const lock{mutex_};
    records_.push_back({message, argument});
  }
  void write_all() {
    std::thread{[this] {
      std::scoped_lock const lock{mutex_};
      for (record const& each : records_) {
        escape::touch(each.argument);
      }
    }}.join();
  }

 private:
  struct record {
    std::string_view message;
    std::string_view argument;
  };
  std::mutex mutex_;
  std::deque<record> records_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  async_log log;
  pool.run({.route = "leak"},
           [&log](mayfly::request_context& request) { log.info("hello {}", request.arena().copy(escape::long_text)); })
      .value();
  escape::next_request(pool);
  log.write_all();
}

}  // namespace async_log_sink
