// pattern: an exception_ptr is the handler's result, and what() lies in the arena
// way out: return, exception
// types: -
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <exception>

namespace return_exception_ptr {

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
    return std::make_exception_ptr(parse_error{request.arena().copy(escape::long_text).data()});
  });
  escape::next_request(pool);
  std::exception_ptr const error = answer.get();
  try {
    std::rethrow_exception(error);
  } catch (parse_error const& caught) {
    escape::touch(caught.what(), escape::long_text.size());
  }
}

}  // namespace return_exception_ptr
