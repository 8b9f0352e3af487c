// legal: a session's coroutine outlives its requests; it sends them work and goes on with their detached answers

#include "program.hpp"
#include <mayfly/channel.hpp>

#include <coroutine>
#include <exception>
#include <string>
#include <utility>

namespace coroutine_session {

/// What the session waits for: an answer of a request, brought by the loop.
class session {
 public:
  struct promise_type {
    session get_return_object() { return session{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    static void return_void() {}
    [[noreturn]] static void unhandled_exception() { std::terminate(); }
    std::string brought;
  };
  struct next_answer {
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<promise_type> waiting) noexcept { promise = &waiting.promise(); }
    std::string await_resume() { return std::move(promise->brought); }
    promise_type* promise = nullptr;
  };

  explicit session(std::coroutine_handle<promise_type> frame) : frame_{frame} {}
  ~session() { frame_.destroy(); }
  session(session const&) = delete;
  session& operator=(session const&) = delete;

  void start() { frame_.resume(); }
  void bring(std::string answer) {
    frame_.promise().brought = std::move(answer);
    frame_.resume();
  }
  [[nodiscard]] bool done() const { return frame_.done(); }

 private:
  std::coroutine_handle<promise_type> frame_;
};

/// Asks for one text after the other, and appends them.
static session greet(mayfly::executor& pool, mayfly::channel<std::string>& answers, std::string& greeting) {
  for (char const* const word : {"hello, ", "arena"}) {
    auto const admitted = pool.try_submit(
        {.route = "word"},
        [word](mayfly::request_context& request) { return mayfly::detach(request.arena().copy(word)); },
        [&answers](mayfly::outcome<std::string> const& made, mayfly::request_context&) { answers.send(*made); });
    escape::require(static_cast<bool>(admitted), "the request is accepted");
    greeting += co_await session::next_answer{};
  }
}
ESCAPE_PROGRAM {
  mayfly::executor pool{escape::options()};
  mayfly::channel<std::string> answers{4, pool.options().egress};
  std::string greeting;
  session one = greet(pool, answers, greeting);
  one.start();
  while (!one.done()) one.bring(answers.receive().value());
  escape::next_request(pool);
  escape::require(greeting == "hello, arena", "both answers have come");
}

}  // namespace coroutine_session
