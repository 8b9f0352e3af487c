#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mayfly::service {

/// Whether a text is UTF-8 as the Unicode standard's table 3-7 has it: no overlong forms, no surrogates, nothing
/// beyond U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

/// The longest prefix of at most `most_bytes` that ends between two characters.
[[nodiscard]] std::string_view whole_characters(std::string_view text, std::size_t most_bytes);

/// A copy in which U+FFFD stands for each byte that belongs to no character.
[[nodiscard]] std::string repaired_utf8(std::string_view text);

/// Whether UTF-16 code units order `a` before `b`. Both must be valid UTF-8.
[[nodiscard]] bool utf16_less(std::string_view a, std::string_view b);

/// The first eight bytes of a name as a number: numbers that differ order as UTF-16 orders the names; equal ones
/// say nothing. The name must be valid UTF-8.
[[nodiscard]] unsigned long long utf16_prefix(std::string_view name);

/// Length of the longest prefix without a character that JSON must escape: quote, backslash, below U+0020.
[[nodiscard]] std::size_t plain_prefix(std::string_view text);

/// Copies a text that has no such character to where there is room for it, and returns the end of the copy. Null: it
/// has one, and what has been written is of no use. One look at each byte, where plain_prefix() and a copy take two.
[[nodiscard]] char* copy_plain(char* to, std::string_view text);

}  // namespace mayfly::service
