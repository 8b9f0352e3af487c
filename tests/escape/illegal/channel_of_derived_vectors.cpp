// pattern: a channel's values are of a class derived from std::vector, which hides a view
// way out: channel
// types: MF-E06
// egress: MF-E15
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/channel.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace channel_of_derived_vectors {

class tags : public std::vector<std::string> {
 public:
  explicit tags(std::string_view origin) : origin_{origin} {}
  [[nodiscard]] std::string_view origin() const { return origin_; }

 private:
  std::string_view origin_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::channel<tags> found{16, pool.options().egress};
  pool.run({.route = "leak"},
           [&found](mayfly::request_context& request) {
             tags made{request.arena().copy(escape::long_text)};
             made.emplace_back("first");
             found.send(std::move(made));
           })
      .value();
  escape::next_request(pool);
  if (auto const next = found.try_receive()) escape::touch(next->origin());
}

}  // namespace channel_of_derived_vectors
