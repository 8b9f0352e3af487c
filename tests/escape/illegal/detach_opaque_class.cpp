// pattern: detach() is asked for copies of a vector of objects whose class hides a view, for an older vector
// way out: older container, detach()
// types: MF-E02
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <string_view>
#include <vector>

namespace detach_opaque_class {

class token {
 public:
  explicit token(std::string_view text) : text_{text} {}
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::vector<token> seen;
  pool.run({.route = "leak"},
           [&seen](mayfly::request_context& request) {
             std::pmr::vector<token> tokens{request.memory()};
             tokens.emplace_back(request.arena().copy(escape::long_text));
             seen = mayfly::detach(std::vector<token>(tokens.begin(), tokens.end()));
           })
      .value();
  escape::next_request(pool);
  escape::touch(seen.front().text());
}

}  // namespace detach_opaque_class
