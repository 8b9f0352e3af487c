#include <mayfly/executor.hpp>

#include <string>
#include <string_view>

// Does not compile: a detached task that captures, and arguments that can carry arena memory (MF-E03, MF-E04).
void spawn_them(mayfly::executor& pool, std::string const& text) {
#if defined(CAPTURES)
  static_cast<void>(pool.spawn({}, [&text](mayfly::request_context&) { static_cast<void>(text.size()); }));
#elif defined(VIEWS)
  static_cast<void>(pool.spawn({}, [](mayfly::request_context&, std::string_view) {}, std::string_view{text}));
#else
  static_cast<void>(
      pool.spawn_after(std::chrono::seconds{1}, {}, [](mayfly::request_context&, char const*) {}, text.c_str()));
#endif
}
