// pattern: a class whose author opted it in wrongly
// way out: return
// types: -
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>

namespace return_opted_in_class {

class token {
 public:
  explicit token(std::string_view text) : text_{text} {}
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};
}  // namespace return_opted_in_class
template <>
inline constexpr bool mayfly::is_detached<return_opted_in_class::token> = true;
namespace return_opted_in_class {
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit(
      "leak", [](mayfly::request_context& request) { return token{request.arena().copy(escape::long_text)}; });
  escape::next_request(pool);
  token const found = answer.get();
  escape::touch(found.text());
}

}  // namespace return_opted_in_class
