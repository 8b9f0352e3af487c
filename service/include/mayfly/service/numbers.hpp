#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly::service {

/// Room for every number that the functions below write: "-1.2345678901234567e-300" and the like.
inline constexpr std::size_t number_text_capacity = 32;

/// Writes a finite double as ECMAScript's Number::toString does, which is what RFC 8785 asks for: the shortest
/// digits that read back as the same double, the closest of them where several are that short, no exponent between
/// 1e-6 and 1e21. -0 becomes "0". Returns the end of the text.
char* write_ecmascript(char* to, double value);

/// Writes an integer as RFC 8785 would write the double nearest to it: 9007199254740993 becomes 9007199254740992.
char* write_ecmascript(char* to, std::int64_t value);
char* write_ecmascript(char* to, std::uint64_t value);

/// What read_double() found.
enum class number_reading : unsigned char { exact_or_nearest, too_large };

/// Reads the text of a JSON number as the double nearest to it (ties to even). What is nearer to zero than to the
/// smallest double becomes zero; what would round to infinity is too_large.
[[nodiscard]] number_reading read_double(std::string_view text, double& value);

}  // namespace mayfly::service
