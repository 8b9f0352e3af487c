#pragma once

#include "loaded_objects.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace mayfly::detail {

/// A thread of this process and where its thread-locals hang.
struct running_thread {
  std::int32_t id;
  std::uintptr_t pointer;  ///< glibc's thread pointer, which is also its pthread_t
};

struct thread_list {
  std::size_t count = 0;  ///< that were written
  bool complete = true;   ///< false: there may be more, which did not fit or whose thread pointer cannot be told
};

/// Lists this process's threads, the calling one first. Those whose thread pointer cannot be told (another C library, a
/// forbidden system call) are left out, but for the calling one. No lock.
thread_list list_threads(std::span<running_thread> into) noexcept;

/// Whether thread_locals_of() finds the object's thread-locals also in other threads than the calling one.
[[nodiscard]] bool knows_thread_locals(loaded_object const& object) noexcept;

/// The thread-locals that `object` has in a thread; empty where it has none, or none yet.
[[nodiscard]] memory_range thread_locals_of(running_thread const& thread, loaded_object const& object) noexcept;

}  // namespace mayfly::detail
