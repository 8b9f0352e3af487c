#pragma once

/// Where a request begins and ends, for libmayfly-record.so (docs/preload.md). C and C++. A program that runs without the
/// library finds null here and calls nothing:
///
///     if (mayfly_request_begin) mayfly_request_begin("checkout");

#ifdef __cplusplus
extern "C" {
#endif

/// This thread begins a request; one that it has open ends first. `route` is copied: a kind of request, not its number.
/// From now on this thread is recorded between marks only. Null is "request".
__attribute__((weak)) void mayfly_request_begin(char const* route);

/// This thread's request ends; without one, nothing happens.
__attribute__((weak)) void mayfly_request_end(void);

#ifdef __cplusplus
}
#endif
