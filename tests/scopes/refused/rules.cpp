// Does not compile, by each rule once.
#include <mayfly/detail/require_detached.hpp>

using mayfly::escape_rule;
using mayfly::detail::require_detached;

int main() {
  require_detached<escape_rule::handler_result, char*>();
  require_detached<escape_rule::detach_type, short*>();
  require_detached<escape_rule::task_argument, int*>();
  require_detached<escape_rule::nested_result, long*>();
  require_detached<escape_rule::channel_value, float*>();
  require_detached<escape_rule::coroutine_parameter, double*>();
}
