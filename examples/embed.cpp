// The README's example: an executor inside a program of yours.
#include <mayfly/executor.hpp>

#include <cstdio>
#include <memory_resource>
#include <string>
#include <vector>

int main() {
  mayfly::executor pool{{.workers = 4, .max_queued = 10'000, .request_bytes = 64 << 20}};

  auto answer = pool.submit("greet", [](mayfly::request_context& request) {
    std::pmr::vector<std::pmr::string> words{request.memory()};  // every byte in the request's arena
    words.emplace_back("hello, arena");
    return mayfly::detach(words.front());  // a std::string: the arena goes, it stays
  });
  std::puts(answer.get().c_str());
}
