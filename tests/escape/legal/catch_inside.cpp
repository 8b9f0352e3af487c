// legal: an exception whose what() lies in the arena is caught inside the request

#include "program.hpp"

#include <exception>

namespace catch_inside {

class parse_error : public std::exception {
 public:
  explicit parse_error(char const* what) : what_{what} {}
  [[nodiscard]] char const* what() const noexcept override { return what_; }

 private:
  char const* what_;
};
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  bool const caught = pool.submit("catch",
                                  [](mayfly::request_context& request) {
                                    try {
                                      throw parse_error{request.arena().copy(escape::long_text).data()};
                                    } catch (parse_error const& error) {
                                      return error.what() == escape::long_text;
                                    }
                                  })
                          .get();
  escape::next_request(pool);
  escape::require(caught, "the exception is whole");
}

}  // namespace catch_inside
