// malloc and its kin in the place of glibc's, which they pass everything on to; and the two marks.

#include "recorded_process.hpp"
#include <mayfly/trace/marks.h>

#include <bit>
#include <cerrno>
#include <cstddef>

#include <malloc.h>

using mayfly::preload::recorded;
using mayfly::preload::thread_state;

namespace {

constexpr std::size_t no_alignment = 1;

void* noted(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
  if (memory == nullptr) return nullptr;
  recorded([&](thread_state& here) {
    if (here.open == nullptr) mayfly::preload::open_thread_request();
    if (here.open != nullptr) here.open->allocated(memory, bytes, alignment);
  });
  return memory;
}

void note_free(void* memory) noexcept {
  if (mayfly::preload::this_thread.open == nullptr) return;
  recorded([&](thread_state& here) { here.open->freed(memory, malloc_usable_size(memory)); });
}

void note_move(void* from, std::size_t room, void* to, std::size_t bytes) noexcept {
  recorded([&](thread_state& here) {
    if (here.open == nullptr) mayfly::preload::open_thread_request();
    if (here.open != nullptr) here.open->reallocated(from, room, to, bytes);
  });
}

}  // namespace

// glibc's own, by the names it keeps for such as us. No search by dlsym(), which allocates.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): they are glibc's to choose
extern "C" {
void* __libc_malloc(std::size_t bytes) noexcept;
void* __libc_calloc(std::size_t count, std::size_t bytes) noexcept;
void* __libc_realloc(void* memory, std::size_t bytes) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t bytes) noexcept;
void __libc_free(void* memory) noexcept;

#define MAYFLY_EXPORTED [[gnu::visibility("default")]]

MAYFLY_EXPORTED void* malloc(std::size_t bytes) noexcept { return noted(__libc_malloc(bytes), bytes, no_alignment); }

MAYFLY_EXPORTED void* calloc(std::size_t count, std::size_t bytes) noexcept {
  return noted(__libc_calloc(count, bytes), count * bytes, no_alignment);
}

MAYFLY_EXPORTED void free(void* memory) noexcept {
  if (memory == nullptr) return;
  note_free(memory);
  __libc_free(memory);
}

MAYFLY_EXPORTED void* realloc(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return malloc(bytes);
  if (bytes == 0) {
    free(memory);
    return nullptr;
  }
  std::size_t const room = malloc_usable_size(memory);
  void* const moved = __libc_realloc(memory, bytes);
  if (moved != nullptr) note_move(memory, room, moved, bytes);
  return moved;
}

MAYFLY_EXPORTED void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  void* const made = __libc_memalign(alignment, bytes);
  return made == nullptr ? nullptr : noted(made, bytes, std::bit_ceil(alignment));  // of what can be rounded up
}

MAYFLY_EXPORTED void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  return memalign(alignment, bytes);
}

MAYFLY_EXPORTED int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) noexcept {
  if (alignment % sizeof(void*) != 0 || !std::has_single_bit(alignment)) return EINVAL;
  int const before = errno;
  void* const made = memalign(alignment, bytes);
  errno = before;
  if (made == nullptr) return ENOMEM;
  *memory = made;
  return 0;
}

MAYFLY_EXPORTED void mayfly_request_begin(char const* route) { mayfly::preload::begin_request(route); }
MAYFLY_EXPORTED void mayfly_request_end(void) { mayfly::preload::end_request(); }
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
