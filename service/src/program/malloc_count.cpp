// malloc and its kin, counted and passed on to glibc's own. Linked into the program only: whoever embeds mayfly keeps
// the malloc they have. operator new comes through here too, as libstdc++'s calls malloc.

#include "malloc_count.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include <malloc.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAYFLY_COUNT_MALLOCS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define MAYFLY_COUNT_MALLOCS 0
#endif
#endif
#ifndef MAYFLY_COUNT_MALLOCS
#ifdef __GLIBC__
#define MAYFLY_COUNT_MALLOCS 1
#else
#define MAYFLY_COUNT_MALLOCS 0
#endif
#endif

namespace mayfly::service {

namespace {

/// A counter for each thread, so that counting costs one addition on a line of its own. Threads beyond the last one
/// share it.
struct alignas(64) counter {
  std::atomic<std::uint64_t> calls{0};
};

constexpr std::size_t counters = 256;
constinit std::array<counter, counters> all{};
constinit std::atomic<std::size_t> threads{0};

[[maybe_unused]] void count_one() {
  static constinit thread_local std::atomic<std::uint64_t>* mine = nullptr;
  if (mine == nullptr) {
    // relaxed: only distinctness counts
    std::size_t const index = threads.fetch_add(1, std::memory_order_relaxed);
    mine = &all[index < counters ? index : counters - 1].calls;
  }
  // relaxed: a figure; one writer but for the shared last counter
  if (mine == &all[counters - 1].calls) {
    mine->fetch_add(1, std::memory_order_relaxed);
  } else {
    mine->store(mine->load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

}  // namespace

std::uint64_t count_mallocs() {
  std::uint64_t sum = 0;
  for (auto const& each : all) sum += each.calls.load(std::memory_order_relaxed);  // relaxed: a figure
  return sum;
}

bool mallocs_are_counted() { return MAYFLY_COUNT_MALLOCS != 0; }

}  // namespace mayfly::service

#if MAYFLY_COUNT_MALLOCS

// glibc's own, by the names it keeps for such as us. What they give is freed by glibc's free, which nobody replaces.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): they are glibc's to choose
extern "C" {
void* __libc_malloc(std::size_t bytes) noexcept;
void* __libc_calloc(std::size_t count, std::size_t bytes) noexcept;
void* __libc_realloc(void* block, std::size_t bytes) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t bytes) noexcept;

void* malloc(std::size_t bytes) noexcept {
  mayfly::service::count_one();
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) noexcept {
  mayfly::service::count_one();
  return __libc_calloc(count, bytes);
}

void* realloc(void* block, std::size_t bytes) noexcept {
  mayfly::service::count_one();
  return __libc_realloc(block, bytes);
}

void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  mayfly::service::count_one();
  return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept { return memalign(alignment, bytes); }

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  *block = memalign(alignment, bytes);
  return *block == nullptr ? ENOMEM : 0;
}
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

#endif
