// legal: a coroutine begins and ends inside its request

#include "program.hpp"

#include <coroutine>
#include <exception>
#include <string_view>

namespace coroutine_inside {

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
static started measure(std::string_view text, std::size_t& size) {
  co_await std::suspend_always{};
  size = text.size();
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::size_t const length = pool.submit("coroutine",
                                         [](mayfly::request_context& request) {
                                           std::size_t size = 0;
                                           started const body = measure(request.arena().copy(escape::long_text), size);
                                           body.handle.resume();
                                           body.handle.destroy();
                                           return size;
                                         })
                                 .get();
  escape::next_request(pool);
  escape::require(length == escape::long_text.size(), "the coroutine has read it");
}

}  // namespace coroutine_inside
