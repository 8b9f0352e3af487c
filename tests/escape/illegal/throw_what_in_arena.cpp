// pattern: what() of an exception that leaves the request lies in the arena
// way out: exception
// types: -
// egress: MF-E13
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <exception>

namespace throw_what_in_arena {

class parse_error : public std::exception {
 public:
  explicit parse_error(char const* what) : what_{what} {}
  [[nodiscard]] char const* what() const noexcept override { return what_; }

 private:
  char const* what_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    throw parse_error{request.arena().copy(escape::long_text).data()};
  });
  escape::next_request(pool);
  try {
    answer.get();
  } catch (parse_error const& caught) {
    escape::touch(caught.what(), escape::long_text.size());
  }
}

}  // namespace throw_what_in_arena
