#pragma once

#include "safe_memory.hpp"
#include <mayfly/scope.hpp>

namespace mayfly::detail {

/// Remembers that a word was told of, now.
void remember_told(found_word word) noexcept;

/// Whether a word was told of before `opened`, with the same value: then it cannot have been stored for a scope that
/// was opened later, but for one before, whose memory that scope has been given. Forgets the oldest of many.
[[nodiscard]] bool told_before(found_word word, scope_clock::time_point opened) noexcept;

}  // namespace mayfly::detail
