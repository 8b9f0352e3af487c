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

/// Lists this process's threads, the calling one first; returns how many were written. Threads whose thread pointer
/// cannot be told (another C library, a forbidden system call) are left out, but for the calling one. No lock.
std::size_t list_threads(std::span<running_thread> into) noexcept;

/// The thread-locals that `object` has in a thread; empty where it has none, or none yet.
[[nodiscard]] memory_range thread_locals_of(running_thread const& thread, loaded_object const& object) noexcept;

}  // namespace mayfly::detail
