#include "injection.hpp"

#include <execinfo.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;
}

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24  // Linux 5.18
#endif

// From the linker: where this executable's code lies.
extern "C" char const __executable_start[];
extern "C" char const etext[];

namespace mayfly::test::faults {
namespace {

using open_function = void* (*)(char const*, int);
using create_function = int (*)(pthread_t*, pthread_attr_t const*, void* (*)(void*), void*);

// Written while nothing is armed, but for the counters. Sequentially consistent throughout: this is no hot path.
plan now;
std::atomic<bool> armed{false};
std::atomic<std::uint64_t> calls{0};
std::atomic<std::uint64_t> failed{0};
std::atomic<std::int64_t> blocks{0};
std::atomic<std::int64_t> mapped{0};
create_function real_create = nullptr;
open_function real_open = nullptr;
std::atomic<bool> tbbmalloc_hidden{false};
constinit thread_local int unharmed_here = 0;
constinit thread_local bool advice_failed = false;  // the last of this thread
std::array<void*, 48> where{};
int where_depth = 0;

/// Whether this call is to fail; the first that is leaves its stack.
bool fails(call which) noexcept {
  if (!armed.load() || which != now.which || now.k == 0 || unharmed_here != 0) return false;
  std::uint64_t const mine = calls.fetch_add(1) + 1;
  if (mine < now.k || (mine > now.k && !now.for_ever)) return false;
  if (mine == now.k) where_depth = backtrace(where.data(), static_cast<int>(where.size()));
  failed.fetch_add(1);
  return true;
}

bool is_ours(void const* caller) noexcept {
  auto const* const code = static_cast<char const*>(caller);
  return code >= __executable_start && code < etext;
}

void* map(void const* caller, void* start, std::size_t bytes, int protection, int flags, int file,
          long offset) noexcept {
  if (fails(call::map)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  void* const made = reinterpret_cast<void*>(syscall(SYS_mmap, start, bytes, protection, flags, file, offset));
  if (made != MAP_FAILED && is_ours(caller)) mapped.fetch_add(static_cast<std::int64_t>(bytes));
  return made;
}

int unmap(void const* caller, void* start, std::size_t bytes) noexcept {
  int const result = static_cast<int>(syscall(SYS_munmap, start, bytes));
  if (result == 0 && is_ours(caller)) mapped.fetch_sub(static_cast<std::int64_t>(bytes));
  return result;
}

void* counted(void* made) noexcept {
  if (made != nullptr) blocks.fetch_add(1);
  return made;
}

void* no_memory() noexcept {
  errno = ENOMEM;
  return nullptr;
}

}  // namespace

void prepare() noexcept {
  real_create = reinterpret_cast<create_function>(dlsym(RTLD_NEXT, "pthread_create"));
  real_open = reinterpret_cast<open_function>(dlsym(RTLD_NEXT, "dlopen"));
  where_depth = backtrace(where.data(), 1);  // the first call loads the unwinder, and allocates
  where_depth = 0;
}

void hide_tbbmalloc() noexcept { tbbmalloc_hidden = true; }

void arm(plan const& wanted) noexcept {
  now = wanted;
  where_depth = 0;
  calls = 0;
  failed = 0;
  armed = true;
}

std::uint64_t disarm() noexcept {
  armed = false;
  return calls;
}

unharmed::unharmed() noexcept { ++unharmed_here; }
unharmed::~unharmed() { --unharmed_here; }

std::uint64_t injected() noexcept { return failed; }
std::span<void* const> first_injection() noexcept { return {where.data(), static_cast<std::size_t>(where_depth)}; }
std::int64_t outstanding_blocks() noexcept { return blocks; }
std::int64_t mapped_bytes() noexcept { return mapped; }

}  // namespace mayfly::test::faults

namespace faults = mayfly::test::faults;

extern "C" {

void* malloc(std::size_t bytes) noexcept {
  return faults::fails(faults::call::heap) ? faults::no_memory() : faults::counted(__libc_malloc(bytes));
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  return faults::fails(faults::call::heap) ? faults::no_memory() : faults::counted(__libc_calloc(count, bytes));
}
void* realloc(void* memory, std::size_t bytes) noexcept {
  if (faults::fails(faults::call::heap)) return faults::no_memory();
  void* const made = __libc_realloc(memory, bytes);
  return memory == nullptr ? faults::counted(made) : made;
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  return faults::fails(faults::call::heap) ? faults::no_memory() : faults::counted(__libc_memalign(alignment, bytes));
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept { return memalign(alignment, bytes); }
int posix_memalign(void** result, std::size_t alignment, std::size_t bytes) noexcept {
  void* const made = memalign(alignment, bytes);
  if (made == nullptr) return ENOMEM;
  *result = made;
  return 0;
}
void free(void* memory) noexcept {
  if (memory == nullptr) return;
  faults::blocks.fetch_sub(1);
  __libc_free(memory);
}

void* mmap(void* start, std::size_t bytes, int protection, int flags, int file, off_t offset) noexcept {
  return faults::map(__builtin_return_address(0), start, bytes, protection, flags, file, offset);
}
void* mmap64(void* start, std::size_t bytes, int protection, int flags, int file, off64_t offset) noexcept {
  return faults::map(__builtin_return_address(0), start, bytes, protection, flags, file, offset);
}
int munmap(void* start, std::size_t bytes) noexcept { return faults::unmap(__builtin_return_address(0), start, bytes); }
int mprotect(void* start, std::size_t bytes, int protection) noexcept {
  if (faults::fails(faults::call::protect)) {
    errno = ENOMEM;
    return -1;
  }
  return static_cast<int>(syscall(SYS_mprotect, start, bytes, protection));
}
int madvise(void* start, std::size_t bytes, int advice) noexcept {
  // The library asks once more in another way where it is refused (span_space::discard): both are one call that fails.
  bool const again = advice == MADV_DONTNEED_LOCKED && faults::advice_failed;
  faults::advice_failed = again || faults::fails(faults::call::advise);
  if (faults::advice_failed) {
    errno = ENOMEM;
    return -1;
  }
  return static_cast<int>(syscall(SYS_madvise, start, bytes, advice));
}
void* dlopen(char const* file, int flags) noexcept {
  if (faults::tbbmalloc_hidden && file != nullptr && std::strstr(file, "libtbbmalloc") != nullptr) return nullptr;
  return faults::real_open(file, flags);
}
int pthread_create(pthread_t* thread, pthread_attr_t const* attributes, void* (*main)(void*), void* argument) noexcept {
  return faults::fails(faults::call::thread) ? EAGAIN : faults::real_create(thread, attributes, main, argument);
}
}
