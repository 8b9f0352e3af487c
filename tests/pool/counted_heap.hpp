#pragma once

#include <mm_malloc.h>  // before ours: Clang's declares posix_memalign() without noexcept

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <malloc.h>

/// Counts every call of the C heap (operator new ends there too) while told to: include it in one source file of a
/// test executable. Not in sanitizer builds, which have a heap of their own.
namespace mayfly::test {

inline std::atomic<bool> counting_heap_calls{false};
inline std::atomic<std::uint64_t> heap_calls{0};
inline std::atomic<std::uint64_t> heap_frees{0};  // those of them that are free()

inline void count_heap_call() noexcept {
  if (counting_heap_calls.load(std::memory_order_relaxed)) heap_calls.fetch_add(1, std::memory_order_relaxed);
}

inline void count_heap_free() noexcept {
  count_heap_call();
  if (counting_heap_calls.load(std::memory_order_relaxed)) heap_frees.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace mayfly::test

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAYFLY_TEST_HEAP_IS_COUNTED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MAYFLY_TEST_HEAP_IS_COUNTED 0
#endif
#endif
#ifndef MAYFLY_TEST_HEAP_IS_COUNTED
#define MAYFLY_TEST_HEAP_IS_COUNTED 1
#endif

#if MAYFLY_TEST_HEAP_IS_COUNTED
extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;

void* malloc(std::size_t bytes) noexcept {
  mayfly::test::count_heap_call();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  mayfly::test::count_heap_call();
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) noexcept {
  mayfly::test::count_heap_call();
  return __libc_realloc(memory, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  mayfly::test::count_heap_call();
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  mayfly::test::count_heap_call();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** result, std::size_t alignment, std::size_t bytes) noexcept {
  mayfly::test::count_heap_call();
  *result = __libc_memalign(alignment, bytes);
  return *result == nullptr ? ENOMEM : 0;
}
void free(void* memory) noexcept {
  mayfly::test::count_heap_free();
  __libc_free(memory);
}
}
#endif
