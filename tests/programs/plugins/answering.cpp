// Handlers for `mayfly run`: each answers, or fails, in a way of its own.
#include <mayfly/plugin.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace plugin_under_test {

/// Says goodbye with code of the plugin, wherever it is destroyed.
class farewell {
 public:
  explicit farewell(char const* from) : from_(from) {}
  farewell(farewell&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
  farewell& operator=(farewell&&) = delete;
  ~farewell() {
    if (from_ != nullptr) std::fprintf(stderr, "farewell from %s\n", from_);
  }

 private:
  char const* from_;
};

}  // namespace plugin_under_test

template <>
inline constexpr bool mayfly::is_detached<plugin_under_test::farewell> = true;

namespace {

using mayfly::plugin_call;
using plugin_under_test::farewell;

/// Leaves an object in the arena, a task that outlasts the answer, and a timer that nobody waits for.
void linger(plugin_call const& call) {
  call.request.arena().make<farewell>("the arena");
  auto const task = call.request.spawn(
      {.route = "late"},
      [](mayfly::request_context&, farewell const&) {
        std::this_thread::sleep_for(std::chrono::milliseconds{200});  // longer than the rest of the run takes
        std::fputs("late task\n", stderr);
      },
      farewell("the task"));
  auto const timer = call.request.spawn_after(
      std::chrono::hours{1}, {.route = "later"}, [](mayfly::request_context&, farewell const&) {},
      farewell("the timer"));
  call.answer.append(task && timer ? "true" : "false");
}

/// The input backwards, in pieces from nested work, gathered by the handler's own thread.
void reverse(plugin_call const& call) {
  auto const backwards = call.request.arena().make_span<char>(call.input.size());
  call.request.parallel_for(
      0, call.input.size(), [&](std::size_t i) { backwards[i] = call.input[call.input.size() - 1 - i]; }, 1000);
  for (std::size_t at = 0; at < backwards.size(); at += 700) {
    call.answer.append(std::string_view(backwards.data(), backwards.size()).substr(at, 700));
  }
}

}  // namespace

MAYFLY_PLUGIN(mine) {
  mine.add_handler("reverse", &reverse);
  mine.add_handler("linger", &linger);
  mine.add_handler("number", [](plugin_call const& call) {
    call.answer.append("[" + std::to_string(call.number) + "," + std::to_string(call.seed) + "]");
  });
  mine.add_handler("nothing", [](plugin_call const&) {});
  mine.add_handler("two-lines", [](plugin_call const& call) {
    call.answer.append("[1,");
    call.answer.append("2\n]");
  });
  mine.add_handler("refuse", [](plugin_call const& call) {
    call.answer.append("half an answer");
    throw mayfly::bad_request("not today", call.input.size());
  });
  mine.add_handler("throw", [](plugin_call const&) { throw std::logic_error("a mistake"); });
  mine.add_handler("throw-number", [](plugin_call const&) { throw 42; });
  mine.add_handler("spend", [](plugin_call const& call) {
    for (;;) static_cast<void>(call.request.arena().allocate(1000));
  });
  mine.add_handler("wait", [](plugin_call const& call) {
    for (;;) call.request.throw_if_stopped();
  });
}
