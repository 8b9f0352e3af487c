#include "fork_guard.hpp"

#include <sysexits.h>

#include <string_view>
#include <system_error>

#include <pthread.h>
#include <unistd.h>

namespace mayfly::detail {

void fork_guard::watch() {
  static int const failed = pthread_atfork(nullptr, nullptr, [] {
    forks.fetch_add(1, std::memory_order_relaxed);  // relaxed: see depth()
  });
  if (failed != 0) throw std::system_error(failed, std::generic_category(), "mayfly: pthread_atfork");
}

void fork_guard::end_child() noexcept {
  constexpr std::string_view why =
      "mayfly: a handler forked and its child process came back from it, which would answer the parent's requests once "
      "more: the child ends here. Call exec() or _exit() in the child.\n";
  [[maybe_unused]] ssize_t const written = ::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(EX_SOFTWARE);
}

}  // namespace mayfly::detail
