// Does not compile: the view would outlive the request's arena.
#include <mayfly/executor.hpp>

#include <string_view>

int main() {
  mayfly::executor pool;
  auto view = pool.submit("escape", [](mayfly::request_context& request) { return request.arena().copy("gone"); });
  return static_cast<int>(view.get().size());
}
