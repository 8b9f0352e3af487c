#pragma once

#include <libdeflate.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mayfly::trace {

struct recorded_settings;

// The file, all numbers little-endian; docs/trace-format.md explains it.
//
//     magic 8 | version 4 | length 4 | CRC-32 4 | settings as JSON
//     blocks:  length 4 | CRC-32 4 of kind and content | kind 1 | content
inline constexpr std::array<char, 8> magic{'m', 'a', 'y', 'f', 'l', 'y', 't', 'r'};
inline constexpr std::uint32_t version = 1;
inline constexpr std::size_t file_head_bytes = 20;
inline constexpr std::size_t block_head_bytes = 9;
inline constexpr std::size_t longest_settings = std::size_t{1} << 20U;
inline constexpr std::size_t longest_block = std::size_t{16} << 20U;
inline constexpr std::uint32_t most_threads = 65'536;
inline constexpr std::size_t longest_route = 4096;  ///< longer names are cut

enum class block_kind : std::uint8_t {
  records = 1,  ///< what one thread noted down
  trailer = 2,  ///< totals; the last block
};

enum class record_kind : std::uint8_t {
  route = 1,   ///< defines the next route number of this block: length, name
  opened = 2,  ///< request id, time
  ended = 3,   ///< request id, route, outcome, time
  part = 4,    ///< life, index of the part, length, operations: a life that goes on
  arena = 5,   ///< life (0: this is all of it), parts before, request id, opened by, first class, opened, length of its
               ///< life, allocations, length, operations
};

/// CRC-32 as in ISO 3309, ITU-T V.42 and zlib; of the bytes behind those that gave `before`.
[[nodiscard]] inline std::uint32_t checksum(std::span<std::byte const> bytes, std::uint32_t before = 0) noexcept {
  return libdeflate_crc32(before, bytes.data(), bytes.size());
}

/// Numbers of either sign as varints: 0, -1, 1, -2 ... are 0, 1, 2, 3 ...
[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63U);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value >> 1U ^ (0U - (value & 1U)));
}

[[nodiscard]] std::string settings_as_json(recorded_settings const& settings);
/// Throws std::runtime_error that says what is wrong with it.
[[nodiscard]] recorded_settings settings_from_json(std::string_view text);

}  // namespace mayfly::trace
