// pattern: a coroutine that was begun in a request keeps a view in its frame and goes on after it
// way out: coroutine frame
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <coroutine>
#include <exception>
#include <string_view>

namespace coroutine_frame {

struct started {
  struct promise_type {
    started get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    static std::suspend_never initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    static void return_void() {}
    [[noreturn]] static void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};
static started greet(std::string_view name) {
  co_await std::suspend_always{};
  escape::touch(name);
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  started greeting{};
  pool.run({.route = "leak"},
           [&greeting](mayfly::request_context& request) { greeting = greet(request.arena().copy(escape::long_text)); })
      .value();
  escape::next_request(pool);
  greeting.handle.resume();
  greeting.handle.destroy();
}

}  // namespace coroutine_frame
