// pattern: the exception inside a std::nested_exception has its what() in the arena
// way out: exception
// types: -
// egress: MF-E13
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <exception>
#include <stdexcept>

namespace throw_nested {

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
    try {
      throw parse_error{request.arena().copy(escape::long_text).data()};
    } catch (...) {
      std::throw_with_nested(std::runtime_error{"the request failed"});
    }
  });
  escape::next_request(pool);
  try {
    answer.get();
  } catch (std::runtime_error const& outer) {
    try {
      std::rethrow_if_nested(outer);
    } catch (parse_error const& inner) {
      escape::touch(inner.what(), escape::long_text.size());
    }
  }
}

}  // namespace throw_nested
