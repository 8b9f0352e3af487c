#include <mayfly/detail/egress_walk.hpp>

#include <cstring>

namespace mayfly {

namespace {

constexpr std::uintptr_t word_bytes = sizeof(std::uintptr_t);

std::uintptr_t word_at(std::byte const* place) noexcept {
  std::uintptr_t word = 0;
  std::memcpy(&word, place, word_bytes);
  return word;
}

/// Whether a short std::string's text begins here: the two words before are its pointer, to here, and its length. Its
/// 16 bytes of room hold text, and behind that whatever was there before.
bool begins_short_string(std::byte const* room, std::byte const* first) noexcept {
  constexpr std::uintptr_t longest = 15;
  return room - first >= static_cast<std::ptrdiff_t>(2 * word_bytes) &&
         word_at(room - 2 * word_bytes) == reinterpret_cast<std::uintptr_t>(room) &&
         word_at(room - word_bytes) <= longest;
}

}  // namespace

std::optional<egress_hit> find_address_in_bytes(void const* bytes, std::size_t count, address_range range,
                                                std::size_t from) noexcept {
  auto const* const first = static_cast<std::byte const*>(bytes);
  std::size_t offset = from + ((0 - reinterpret_cast<std::uintptr_t>(first + from)) & (word_bytes - 1));
  // Four words a branch while nothing is found: 0.6 of the time that one a branch takes for 64 bytes.
  auto const in_range = [&](std::size_t at) { return static_cast<unsigned>(range.has(word_at(first + at))); };
  while (offset + 4 * word_bytes <= count &&
         (in_range(offset) | in_range(offset + word_bytes) | in_range(offset + 2 * word_bytes) |
          in_range(offset + 3 * word_bytes)) == 0) {
    offset += 4 * word_bytes;
  }
  for (; offset + word_bytes <= count; offset += word_bytes) {
    std::byte const* const place = first + offset;
    std::uintptr_t const word = word_at(place);
    if (!range.has(word)) [[likely]]
      continue;
    if (begins_short_string(place, first)) continue;
    if (offset >= word_bytes && begins_short_string(place - word_bytes, first)) continue;
    return egress_hit{detail::as_address(word), offset};
  }
  return std::nullopt;
}

}  // namespace mayfly
