#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mayfly::programs {

/// "4096", "16KiB", "64MiB", "2GiB". Nothing for anything else, and for what does not fit.
[[nodiscard]] std::optional<std::size_t> parse_bytes(std::string_view text);

/// "200us", "50ms", "2s", "1m". Nothing for anything else; above zero.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// A whole number from `least` to `most`.
[[nodiscard]] std::optional<std::size_t> parse_count(std::string_view text, std::size_t least, std::size_t most);

/// 1234567 as "1,234,567".
[[nodiscard]] std::string with_commas(std::uint64_t number);

/// "812 B", "4.6 KiB", "1.2 GiB".
[[nodiscard]] std::string readable_bytes(double bytes);

/// "850 ns", "12.3 us", "4.56 ms", "1.20 s".
[[nodiscard]] std::string readable_time(std::chrono::nanoseconds time);

}  // namespace mayfly::programs
