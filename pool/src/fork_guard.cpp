#include "fork_guard.hpp"

#include <system_error>

#include <pthread.h>

namespace mayfly::detail {

void fork_guard::watch() {
  static int const failed = pthread_atfork(nullptr, nullptr, [] {
    forks.fetch_add(1, std::memory_order_relaxed);  // relaxed: see depth()
  });
  if (failed != 0) throw std::system_error(failed, std::generic_category(), "mayfly: pthread_atfork");
}

}  // namespace mayfly::detail
