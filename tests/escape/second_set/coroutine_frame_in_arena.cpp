// pattern: a coroutine's frame is allocated in the arena of the request that began it; a reactor resumes it later
// way out: coroutine handle in the reactor's list
// types: -
// egress: -
// tripwire: -
// audit: MF-E43
// guard: MF-E31
// asan: use-after-poison

#include "program.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <vector>

namespace coroutine_frame_in_arena {

struct upload {
  struct promise_type {
    static void* operator new(std::size_t bytes, mayfly::request_context& request, int& /*parts*/) {
      return request.arena().allocate(bytes, alignof(std::max_align_t));
    }
    static void operator delete(void*) noexcept {}  // goes with the arena
    upload get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    static std::suspend_never initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    static void return_void() {}
    [[noreturn]] static void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};
static upload receive(mayfly::request_context& /*request*/, int& parts) {
  for (int i = 0; i < 3; ++i) {
    co_await std::suspend_always{};
    ++parts;
  }
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  std::vector<std::coroutine_handle<>> ready;
  int parts = 0;
  pool.run({.route = "leak"},
           [&](mayfly::request_context& request) { ready.emplace_back(receive(request, parts).handle); })
      .value();
  escape::next_request(pool);
  escape::about_to_touch();
  for (std::coroutine_handle<> const each : ready) each.resume();
}

}  // namespace coroutine_frame_in_arena
