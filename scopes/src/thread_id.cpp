#include <mayfly/detail/thread_id.hpp>

#include <pthread.h>
#include <unistd.h>

namespace mayfly::detail {

std::int32_t ask_thread_id() noexcept {
  // The forking thread's cache is all that the child inherits. Where the system has no memory for the registration the
  // child's reports name the parent's thread, and nothing else goes wrong.
  [[maybe_unused]] static int const watched = pthread_atfork(nullptr, nullptr, [] { cached_thread_id = 0; });
  cached_thread_id = static_cast<std::int32_t>(gettid());
  return cached_thread_id;
}

}  // namespace mayfly::detail
