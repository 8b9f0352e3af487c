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

std::optional<egress_hit> find_address_in_bytes(void const* bytes, std::size_t count, address_range range) noexcept {
  auto const* const first = static_cast<std::byte const*>(bytes);
  std::size_t offset = (0 - reinterpret_cast<std::uintptr_t>(bytes)) & (word_bytes - 1);
  for (; offset + word_bytes <= count; offset += word_bytes) {
    std::byte const* const place = first + offset;
    std::uintptr_t const word = word_at(place);
    if (!range.has(word)) [[likely]]
      continue;
    if (begins_short_string(place, first)) continue;
    if (offset >= word_bytes && begins_short_string(place - word_bytes, first)) continue;
    return egress_hit{reinterpret_cast<void const*>(word), offset};
  }
  return std::nullopt;
}

}  // namespace mayfly
