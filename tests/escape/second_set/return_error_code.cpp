// pattern: an error code is returned whose category, with the tenant's name in it, was made in the arena
// way out: return, error code
// types: -
// egress: MF-E12
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <new>
#include <string>
#include <system_error>

namespace return_error_code {

class tenant_category final : public std::error_category {
 public:
  explicit tenant_category(int tenant) : tenant_{tenant} {}
  [[nodiscard]] char const* name() const noexcept override { return "tenant"; }
  [[nodiscard]] std::string message(int code) const override {
    return "error " + std::to_string(code) + " of tenant " + std::to_string(tenant_);
  }

 private:
  int tenant_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    void* const memory = request.arena().allocate(sizeof(tenant_category), alignof(tenant_category));
    return std::error_code{5, *::new (memory) tenant_category{12}};
  });
  escape::next_request(pool);
  std::error_code const code = answer.get();
  escape::touch(&code.category(), sizeof(std::error_category));
  escape::require(!code.message().empty(), "the code has a message");
}

}  // namespace return_error_code
