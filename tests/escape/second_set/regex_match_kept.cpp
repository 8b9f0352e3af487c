// pattern: a router remembers how the last path matched; the match is made of pointers into the path
// way out: regex match results
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <memory>
#include <string_view>

// GCC 12 takes a member of its own <regex> for uninitialised where AddressSanitizer is on.
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <regex>
#pragma GCC diagnostic pop

namespace regex_match_kept {

class router {
 public:
  bool route(std::string_view path) {
    return std::regex_match(path.data(), path.data() + path.size(), last_, pattern_);
  }
  [[nodiscard]] std::string_view user() const { return {last_[1].first, static_cast<std::size_t>(last_[1].length())}; }

 private:
  std::regex pattern_{"/users/([a-z]+)/orders/([0-9]+)"};
  std::cmatch last_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto const routes = std::make_unique<router>();
  pool.run({.route = "leak"},
           [&routes = *routes](mayfly::request_context& request) {
             escape::require(routes.route(request.arena().copy("/users/ada/orders/1815")), "the path matches");
           })
      .value();
  escape::next_request(pool);
  escape::touch(routes->user());
}

}  // namespace regex_match_kept
