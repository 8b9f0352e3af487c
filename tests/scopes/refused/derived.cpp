// Does not compile: a class derived from a std container is not that container.
#include <mayfly/detail/require_detached.hpp>

#include <string>
#include <vector>

struct annotated : std::string {
  char const* origin;
};
struct answer {
  int status;
  std::vector<annotated> lines;
};

int main() { mayfly::detail::require_detached<mayfly::escape_rule::handler_result, answer>(); }
