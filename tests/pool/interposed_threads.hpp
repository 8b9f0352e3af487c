#pragma once

#include <atomic>
#include <cerrno>

#include <dlfcn.h>
#include <pthread.h>

/// A pthread_create that fails when told: include it in one source file of a test executable that has nothing else to
/// do with threads.
namespace mayfly::test {

inline std::atomic<int> thread_creations{0};
/// The creation that fails, counted from 1; 0: none does.
inline std::atomic<int> failing_creation{0};
/// Whether all later ones fail too.
inline std::atomic<bool> failing_from_then_on{false};

inline bool creation_fails() {
  int const now = thread_creations.fetch_add(1) + 1;
  int const failing = failing_creation.load();
  return failing != 0 && (now == failing || (failing_from_then_on.load() && now > failing));
}

}  // namespace mayfly::test

extern "C" int pthread_create(pthread_t* thread, pthread_attr_t const* attributes, void* (*main)(void*),
                              void* argument) {
  using function = int (*)(pthread_t*, pthread_attr_t const*, void* (*)(void*), void*);
  static auto const real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
  return mayfly::test::creation_fails() ? EAGAIN : real(thread, attributes, main, argument);
}
