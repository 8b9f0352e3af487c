// pattern: an exception object carries a pmr string out of the request
// way out: exception
// types: -
// egress: MF-E13
// tripwire: MF-E21
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <stdexcept>
#include <string>

namespace throw_pmr_member {

struct parse_error : std::runtime_error {
  explicit parse_error(std::pmr::string text) : std::runtime_error{"cannot parse"}, line{std::move(text)} {}
  std::pmr::string line;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto leak = [](mayfly::request_context& request) {
    throw parse_error{std::pmr::string{escape::long_text, request.memory()}};
  };
  auto unread = pool.submit("leak", leak);
  auto answer = pool.submit("leak", leak);
  escape::next_request(pool);
  unread = {};  // nobody asked: the exception and its text go, long after their scope
  try {
    answer.get();
  } catch (parse_error const& caught) {
    escape::touch(caught.line);
  }
}

}  // namespace throw_pmr_member
