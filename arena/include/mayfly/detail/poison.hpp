#pragma once

#include <cstddef>

/// What AddressSanitizer, or Valgrind in builds with MAYFLY_VALGRIND, sees of arena memory (A8). In other builds every
/// function is empty.
#if defined(__SANITIZE_ADDRESS__)
#define MAYFLY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MAYFLY_ASAN 1
#endif
#endif

#ifdef MAYFLY_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace mayfly::detail {

/// What lies behind an allocation in builds with MAYFLY_CANARIES; see detail/canary.hpp.
inline constexpr std::size_t canary_bytes = 40;
#if defined(MAYFLY_CANARIES) && !defined(MAYFLY_ASAN) && !defined(MAYFLY_VALGRIND)
inline constexpr bool canaries = true;
#else
inline constexpr bool canaries = false;  // poison sees more
#endif

#ifdef MAYFLY_ASAN
inline constexpr bool sanitized = true;
/// Bytes left poisoned behind every allocation, so that an overrun meets no neighbour.
inline constexpr std::size_t redzone_bytes = 16;
inline void poison(void const* start, std::size_t bytes) noexcept { __asan_poison_memory_region(start, bytes); }
inline void unpoison(void const* start, std::size_t bytes) noexcept { __asan_unpoison_memory_region(start, bytes); }
/// An allocation, new or another size at the same place.
inline void hand_out(void const* start, std::size_t bytes) noexcept { unpoison(start, bytes); }
#elif defined(MAYFLY_VALGRIND)
inline constexpr bool sanitized = false;
inline constexpr std::size_t redzone_bytes = 16;
// src/valgrind.cpp
void poison(void const* start, std::size_t bytes) noexcept;
void unpoison(void const* start, std::size_t bytes) noexcept;
void hand_out(void const* start, std::size_t bytes) noexcept;
#else
inline constexpr bool sanitized = false;
inline constexpr std::size_t redzone_bytes = canaries ? canary_bytes : 0;
inline void poison(void const*, std::size_t) noexcept {}
inline void unpoison(void const*, std::size_t) noexcept {}
inline void hand_out(void const*, std::size_t) noexcept {}
#endif

}  // namespace mayfly::detail
