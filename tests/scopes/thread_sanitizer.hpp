#pragma once

#if defined(__SANITIZE_THREAD__)
#define MAYFLY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAYFLY_TSAN 1
#endif
#endif

/// Whether ThreadSanitizer looks on, in code (MAYFLY_TSAN for what would not compile or link otherwise).
namespace mayfly::test {

#ifdef MAYFLY_TSAN
inline constexpr bool thread_sanitized = true;
#else
inline constexpr bool thread_sanitized = false;
#endif

}  // namespace mayfly::test
