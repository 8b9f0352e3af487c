// legal: an exception that owns its text leaves the request

#include "program.hpp"

#include <stdexcept>
#include <string>

namespace throw_heap_exception {

ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  auto answer = pool.submit("throw", [](mayfly::request_context& request) {
    throw std::runtime_error{std::string{request.arena().copy(escape::long_text)}};
  });
  escape::next_request(pool);
  bool caught = false;
  try {
    answer.get();
  } catch (std::runtime_error const& error) {
    caught = error.what() == escape::long_text;
  }
  escape::require(caught, "the exception is whole");
}

}  // namespace throw_heap_exception
