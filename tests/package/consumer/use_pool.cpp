// Component `pool`, and the whole of mayfly: the README's first example.
#include <mayfly/executor.hpp>
#include <mayfly/executor_options.hpp>

#include <cstdio>
#include <memory_resource>
#include <string>
#include <vector>

int main(int count, char** arguments) {
  // From a file, as a server would: what reads it must not need more than the package has.
  mayfly::executor pool{count > 1 ? mayfly::executor_options::from_file(arguments[1])
                                  : mayfly::executor_options{.workers = 2}};
  auto answer = pool.submit("greet", [](mayfly::request_context& request) {
    std::pmr::vector<std::pmr::string> words{request.memory()};
    words.emplace_back("hello from the installed executor");
    return mayfly::detach(words.front());
  });
  std::puts(answer.get().c_str());
}
