#pragma once

#include <mayfly/detail/quantities.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mayfly::programs {

using detail::parse_bytes;
using detail::parse_count;
using detail::parse_duration;

/// 1234567 as "1,234,567".
[[nodiscard]] std::string with_commas(std::uint64_t number);

/// "812 B", "4.6 KiB", "1.2 GiB".
[[nodiscard]] std::string readable_bytes(double bytes);

/// "850 ns", "12.3 us", "4.56 ms", "1.20 s".
[[nodiscard]] std::string readable_time(std::chrono::nanoseconds time);

}  // namespace mayfly::programs
