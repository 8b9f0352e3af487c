// pattern: a destructor that runs at the scope's end publishes its object
// way out: destructor
// types: -
// egress: -
// tripwire: -
// audit: MF-E41
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

namespace destructor_publishes {

class connection;
static connection const* last_closed = nullptr;
class connection {
 public:
  explicit connection(int number) : number_{number} {}
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;
  ~connection() { last_closed = this; }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  pool.run({.route = "leak"}, [](mayfly::request_context& request) { request.arena().make<connection>(7); }).value();
  escape::next_request(pool);
  escape::touch(last_closed, sizeof(connection));
}

}  // namespace destructor_publishes
