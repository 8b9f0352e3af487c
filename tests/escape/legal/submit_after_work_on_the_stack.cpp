// legal: closures with room that nobody has written, made where handles to the request were on the stack before

#include "program.hpp"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace submit_after_work_on_the_stack {

/// Leaves the request's handles all over the stack.
[[gnu::noinline]] static void leave_traces(mayfly::request_context& request) {
  std::array<void* volatile, 256> traces{};
  for (std::size_t i = 0; i < traces.size(); i += 4) {
    traces[i] = &request;
    traces[i + 1] = &request.scope();
    traces[i + 2] = request.memory();
    traces[i + 3] = &request.arena();
  }
}
[[gnu::noinline]] static bool submit_one(mayfly::executor& pool, bool flag) {
  std::optional<std::string> name;
  std::function<bool()> small = [flag] { return flag; };
  std::string text = "short";
  return static_cast<bool>(pool.try_submit(
      {.route = "child"},
      [name = std::move(name), small = std::move(small), text = std::move(text), flag](mayfly::request_context&) {
        return !name && small() == flag && text == "short";
      },
      [](mayfly::outcome<bool> const& answer, mayfly::request_context&) { escape::require(*answer, "all is there"); }));
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  for (int i = 0; i < 64; ++i) {
    pool.run({.route = "parent"},
             [&pool, i](mayfly::request_context& request) {
               leave_traces(request);
               escape::require(submit_one(pool, i % 2 == 0), "the child is accepted");
             })
        .value();
  }
  escape::next_request(pool);
}

}  // namespace submit_after_work_on_the_stack
