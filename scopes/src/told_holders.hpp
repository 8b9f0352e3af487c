#pragma once

#include "safe_memory.hpp"
#include <mayfly/scope.hpp>

namespace mayfly::detail {

/// Remembers that a word was told of, now.
void remember_told(found_word word) noexcept;

/// Whether a word was told of before `opened`, with the same value: then it was stored for a scope before, whose memory
/// the one that was opened later has been given, or that one has made the same mistake with the same address, which
/// nobody can tell apart. Forgets the oldest of many.
[[nodiscard]] bool told_before(found_word word, scope_clock::time_point opened) noexcept;

}  // namespace mayfly::detail
