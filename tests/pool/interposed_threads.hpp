#pragma once

#include "thread_sanitizer.hpp"

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

#ifdef MAYFLY_TSAN
// ThreadSanitizer's own: it has to hear of each thread that begins.
extern "C" int __interceptor_pthread_create(  // NOLINT(bugprone-reserved-identifier)
    pthread_t* thread, pthread_attr_t const* attributes, void* (*main)(void*), void* argument);
#endif

extern "C" int pthread_create(pthread_t* thread, pthread_attr_t const* attributes, void* (*main)(void*),
                              void* argument) {
#ifdef MAYFLY_TSAN
  constexpr auto real = &__interceptor_pthread_create;
#else
  using function = int (*)(pthread_t*, pthread_attr_t const*, void* (*)(void*), void*);
  static auto const real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
#endif
  return mayfly::test::creation_fails() ? EAGAIN : real(thread, attributes, main, argument);
}
