// pattern: a response is returned by its base class; the class behind it holds a view
// way out: return, unique pointer to a base class
// types: MF-E01
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>
#include <string_view>

namespace return_polymorphic_response {

class response {
 public:
  response() = default;
  response(response const&) = delete;
  response& operator=(response const&) = delete;
  virtual ~response() = default;
  [[nodiscard]] virtual std::string_view body() const = 0;
};
class text_response final : public response {
 public:
  explicit text_response(std::string_view body) : body_{body} {}
  [[nodiscard]] std::string_view body() const override { return body_; }

 private:
  std::string_view body_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) -> std::unique_ptr<response> {
    return std::make_unique<text_response>(request.arena().copy(escape::long_text));
  });
  escape::next_request(pool);
  auto const got = answer.get();
  escape::touch(got->body());
}

}  // namespace return_polymorphic_response
