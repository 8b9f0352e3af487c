#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace mayfly::detail {

/// "4096", "16KiB", "64MiB", "2GiB". Nothing for anything else, and for what does not fit.
[[nodiscard]] std::optional<std::size_t> parse_bytes(std::string_view text);

/// "200us", "50ms", "2s", "1m". Nothing for anything else; above zero.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// A whole number from `least` to `most`.
[[nodiscard]] std::optional<std::size_t> parse_count(std::string_view text, std::size_t least, std::size_t most);

}  // namespace mayfly::detail
