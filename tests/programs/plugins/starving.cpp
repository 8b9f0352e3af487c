// Preloaded, it is the process's heap as well: from request 20 on nobody gets any more of it, until the process ends.
#include <mayfly/plugin.hpp>

#include <atomic>
#include <cstddef>

#include <unistd.h>

namespace {

constinit std::atomic<bool> starves{false};

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);  // NOLINT(bugprone-reserved-identifier): the C library's

[[gnu::visibility("default")]] void* malloc(std::size_t bytes) {
  while (starves) ::usleep(10'000);
  return __libc_malloc(bytes);
}
}

MAYFLY_PLUGIN(mine) {
  mine.add_handler("starve", [](mayfly::plugin_call const& call) {
    if (call.number >= 20) starves = true;
  });
}
