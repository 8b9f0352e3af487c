#include "thread_locals.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

// How other threads' thread-locals are found, in glibc on x86-64:
//
//     get_robust_list(tid)  -> a field of the thread's own block: at the same distance from its thread pointer in all
//     thread pointer        [ self | dtv | self | ... ]
//     dtv[module]           { start of the module's thread-locals, .. }, or -1 where the thread has none yet
//
// All of it is read as memory that may be gone, and checked: the block names itself, and the calling thread's
// thread-locals must be where the loader says that they are.
namespace mayfly::detail {
namespace {

constexpr std::size_t dtv_offset = 8;
constexpr std::size_t self_offset = 16;
constexpr std::size_t dtv_entry_bytes = 16;
constexpr std::uintptr_t furthest_list_head = 4096;

/// 0: the thread has ended, or has not begun yet. Nothing: the system does not say.
std::optional<std::uintptr_t> list_head_of(std::int32_t id) noexcept {
  void* head = nullptr;
  std::size_t bytes = 0;
  if (::syscall(SYS_get_robust_list, id, &head, &bytes) == 0) return reinterpret_cast<std::uintptr_t>(head);
  if (errno == ESRCH) return 0;
  return std::nullopt;
}

bool names_itself(std::uintptr_t pointer) noexcept {
  return read_word(pointer) == pointer && read_word(pointer + self_offset) == pointer;
}

/// Calls visit(id) for each thread of the process. false: the system does not list them.
template <typename Visit>
[[nodiscard]] bool for_each_thread_id(Visit&& visit) noexcept {
  struct entry_head {  // of linux_dirent64
    std::uint64_t inode;
    std::int64_t offset;
    std::uint16_t bytes;
    std::uint8_t type;
  };
  constexpr std::size_t name_offset = 19;
  int const directory = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  alignas(std::uint64_t) std::array<char, 4096> entries;
  long got = 0;
  while ((got = ::syscall(SYS_getdents64, directory, entries.data(), entries.size())) > 0) {
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      entry_head head;
      std::memcpy(&head, entries.data() + at, sizeof head);
      char const* const name = entries.data() + at + name_offset;
      std::int32_t id = 0;
      std::from_chars(name, name + ::strnlen(name, head.bytes - name_offset), id);
      if (id != 0) visit(id);
      at += head.bytes;
    }
  }
  ::close(directory);
  return got == 0;
}

/// Where the thread's table says that the object's thread-locals start; 0: nowhere yet.
std::uintptr_t start_by_table(std::uintptr_t pointer, loaded_object const& object) noexcept {
  constexpr std::uintptr_t not_made = ~std::uintptr_t{0};
  std::uintptr_t const dtv = read_word(pointer + dtv_offset);
  // The entry before the first holds the number of entries.
  if (dtv == 0 || object.tls_module > read_word(dtv - dtv_entry_bytes)) return 0;
  std::uintptr_t const start = read_word(dtv + object.tls_module * dtv_entry_bytes);
  return start == not_made ? 0 : start;
}

}  // namespace

thread_list list_threads(std::span<running_thread> into) noexcept {
  if (into.empty()) return {.complete = false};
  auto const own = static_cast<std::int32_t>(::gettid());
  auto const pointer = static_cast<std::uintptr_t>(::pthread_self());
  into[0] = {own, pointer};
  thread_list list{.count = 1};
  std::uintptr_t const distance = list_head_of(own).value_or(0) - pointer;
  bool const understood = distance != 0 && distance <= furthest_list_head && names_itself(pointer);
  bool const listed = for_each_thread_id([&](std::int32_t id) {
    if (id == own) return;
    auto const head = list_head_of(id);
    if (head == 0) return;
    bool const found = understood && head && names_itself(*head - distance);
    if (found && list.count != into.size()) {
      into[list.count++] = {id, *head - distance};
    } else if (found || list_head_of(id) == head) {  // else it has ended meanwhile
      list.complete = false;
    }
  });
  list.complete = list.complete && listed;
  return list;
}

bool knows_thread_locals(loaded_object const& object) noexcept {
  if (object.tls_module == 0 || object.tls_bytes == 0 || object.tls_here == 0) return true;
  return start_by_table(static_cast<std::uintptr_t>(::pthread_self()), object) == object.tls_here;
}

memory_range thread_locals_of(running_thread const& thread, loaded_object const& object) noexcept {
  if (object.tls_module == 0 || object.tls_bytes == 0) return {};
  std::uintptr_t start = object.tls_here;
  if (thread.pointer != static_cast<std::uintptr_t>(::pthread_self())) {
    start = knows_thread_locals(object) ? start_by_table(thread.pointer, object) : 0;
  }
  return start == 0 ? memory_range{} : memory_range{start, object.tls_bytes};
}

}  // namespace mayfly::detail
