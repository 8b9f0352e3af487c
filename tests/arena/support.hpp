#pragma once

#include <mayfly/arena.hpp>
#include <mayfly/detail/poison.hpp>
#include <mayfly/page_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#define MAYFLY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAYFLY_TSAN 1
#endif
#endif

namespace mayfly::test {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;
inline constexpr std::size_t gib = 1024 * mib;

#ifdef MAYFLY_TSAN
inline constexpr bool thread_sanitized = true;
#else
inline constexpr bool thread_sanitized = false;
#endif
inline constexpr bool sanitized = detail::sanitized || thread_sanitized;

/// A pool of few addresses, so that their end is soon reached.
inline page_pool_options small_pool() { return {.reserve_bytes = 64 * mib}; }

inline bool is_aligned(void const* address, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(address) % alignment == 0;
}

/// The seed of a randomised test: MAYFLY_TEST_SEED or a fixed one; printed, so that a failure can be repeated.
inline std::uint64_t test_seed() {
  char const* const given = std::getenv("MAYFLY_TEST_SEED");
  std::uint64_t const seed = given == nullptr ? 20'260'101 : std::strtoull(given, nullptr, 10);
  std::cout << "seed " << seed << " (MAYFLY_TEST_SEED)\n";
  return seed;
}

/// Pages the pool has ever cut, whatever became of them.
inline std::uint64_t pages_made(page_pool const& pool) {
  auto const stats = pool.stats();
  return stats.classes[0].made + stats.classes[1].made + stats.classes[2].made;
}

/// Runs `body(thread number)` on `count` threads at once and waits for them.
template <typename Body>
void run_threads(std::size_t count, Body const& body) {
  std::vector<std::jthread> threads;
  threads.reserve(count);
  for (std::size_t thread = 0; thread < count; ++thread) threads.emplace_back([&body, thread] { body(thread); });
}

}  // namespace mayfly::test
