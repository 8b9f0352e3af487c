// pattern: an observer keeps what a completion has thrown, whose what() lies in the arena
// way out: exception, completion
// types: -
// egress: MF-E13
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"
#include <mayfly/observer.hpp>

#include <exception>

namespace observer_keeps_exception {

class parse_error : public std::exception {
 public:
  explicit parse_error(char const* what) : what_{what} {}
  [[nodiscard]] char const* what() const noexcept override { return what_; }

 private:
  char const* what_;
};
class keeper final : public mayfly::executor_observer {
 public:
  void on_completion_failure(mayfly::scope_id, std::string_view, std::exception_ptr const& error) noexcept override {
    kept = error;
  }
  std::exception_ptr kept;
};
ESCAPE_PROGRAM {
  keeper errors;
  mayfly::executor_options options = escape::options();
  options.observer = &errors;
  mayfly::executor pool{options};
  auto const admitted = pool.try_submit(
      {.route = "leak"}, [](mayfly::request_context&) {},
      [](mayfly::outcome<void> const&, mayfly::request_context& request) {
        throw parse_error{request.arena().copy(escape::long_text).data()};
      });
  escape::require(static_cast<bool>(admitted), "the request is accepted");
  escape::next_request(pool);
  try {
    std::rethrow_exception(errors.kept);
  } catch (parse_error const& caught) {
    escape::touch(caught.what(), escape::long_text.size());
  }
}

}  // namespace observer_keeps_exception
