// Does not compile: the view would outlive the request's arena. tests/pool/CMakeLists.txt expects MAYFLY-E01.
#include <mayfly/executor.hpp>

#include <string_view>

int main() {
  mayfly::executor pool;
  auto view = pool.submit("escape", [](mayfly::request_context& request) { return request.arena().copy("gone"); });
  return static_cast<int>(view.get().size());
}
