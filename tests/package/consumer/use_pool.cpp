// Component `pool`, and the whole of mayfly: the README's first example.
#include <mayfly/executor.hpp>

#include <cstdio>
#include <memory_resource>
#include <string>
#include <vector>

int main() {
  mayfly::executor pool{{.workers = 2}};
  auto answer = pool.submit("greet", [](mayfly::request_context& request) {
    std::pmr::vector<std::pmr::string> words{request.memory()};
    words.emplace_back("hello from the installed executor");
    return mayfly::detach(words.front());
  });
  std::puts(answer.get().c_str());
}
