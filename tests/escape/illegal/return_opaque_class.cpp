// pattern: a class with private members hides a view, and nobody has opted it in
// way out: return
// types: MF-E01
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace return_opaque_class {

class token {
 public:
  explicit token(std::string_view text) : text_{text} {}
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit(
      "leak", [](mayfly::request_context& request) { return token{request.arena().copy(escape::long_text)}; });
  escape::next_request(pool);
  token const found = answer.get();
  escape::touch(found.text());
}

}  // namespace return_opaque_class
