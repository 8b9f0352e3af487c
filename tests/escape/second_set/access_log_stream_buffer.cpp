// pattern: an access log that is opened by the first request gets its stream buffer from that request's arena
// way out: buffer of a file stream
// types: -
// egress: -
// tripwire: -
// audit: -
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <fstream>
#include <span>
#include <string_view>

namespace access_log_stream_buffer {

class access_log {
 public:
  void open(std::span<char> buffer) {
    if (file_.is_open()) return;
    file_.rdbuf()->pubsetbuf(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    file_.open("/dev/null");
  }
  void write(std::string_view line) { file_ << line << '\n'; }

 private:
  std::ofstream file_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  access_log log;
  pool.run({.route = "leak"},
           [&log](mayfly::request_context& request) {
             log.open(request.arena().make_span<char>(4'096));
             log.write("GET / 200");
           })
      .value();
  escape::next_request(pool);
  escape::about_to_touch();
  log.write(escape::long_text);
}

}  // namespace access_log_stream_buffer
