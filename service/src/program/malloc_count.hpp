#pragma once

#include <cstdint>

namespace mayfly::service {

/// Calls of malloc, calloc, realloc and their kin by all threads so far.
[[nodiscard]] std::uint64_t count_mallocs();

/// Whether they are counted: not under a sanitizer, which has a malloc of its own.
[[nodiscard]] bool mallocs_are_counted();

}  // namespace mayfly::service
