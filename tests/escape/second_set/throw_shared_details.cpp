// pattern: an exception shares its details, so that copying it never throws; one of them is a view of the request
// way out: exception, through the heap
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace throw_shared_details {

struct details {
  int used = 0;
  std::string_view tenant;
};
class quota_exceeded : public std::runtime_error {
 public:
  explicit quota_exceeded(std::shared_ptr<details const> about)
      : std::runtime_error{"quota exceeded"}, about_{std::move(about)} {}
  [[nodiscard]] details const& about() const { return *about_; }

 private:
  std::shared_ptr<details const> about_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("leak", [](mayfly::request_context& request) {
    auto const tenant = request.arena().copy(escape::long_text);
    throw quota_exceeded{std::make_shared<details const>(details{.used = 101, .tenant = tenant})};
  });
  escape::next_request(pool);
  try {
    answer.get();
  } catch (quota_exceeded const& caught) {
    escape::touch(caught.about().tenant);
  }
}

}  // namespace throw_shared_details
