#include <mayfly/service/text.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace mayfly::service {

namespace {

constexpr std::uint64_t every_byte(std::uint64_t byte) { return 0x0101010101010101U * byte; }
constexpr std::uint64_t high_bits = every_byte(0x80);

template <class Word>
Word load(char const* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

template <class Word>
void store(char* to, Word word) {
  std::memcpy(to, &word, sizeof word);
}

/// The eight, or four, bytes as a number whose order is that of the bytes.
std::uint64_t load_in_order(char const* from) {
  auto const word = load<std::uint64_t>(from);
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}
std::uint64_t load_four_in_order(char const* from) {
  auto const word = load<std::uint32_t>(from);
  return std::endian::native == std::endian::little ? __builtin_bswap32(word) : word;
}

/// A byte of 1 to 8 bytes of text that must be escaped, as a set high bit somewhere; 0 when there is none.
constexpr std::uint64_t escapes_in(std::uint64_t word) {
  auto const below = [](std::uint64_t w, std::uint64_t n) { return (w - every_byte(n)) & ~w & high_bits; };
  return below(word, 0x20) | below(word ^ every_byte('"'), 1) | below(word ^ every_byte('\\'), 1);
}

#ifdef __SSE2__
/// Which of sixteen bytes must be escaped: a bit for each.
unsigned escapes_in(__m128i block) {
  auto const quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  auto const backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  auto const control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control)));
}
#endif

constexpr bool must_be_escaped(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

std::size_t first_escape(std::string_view text, std::size_t from) {
  while (from < text.size() && !must_be_escaped(text[from])) ++from;
  return from;
}

/// Texts of less than 16 bytes: two loads that overlap, so that there is no loop over bytes in the common case.
std::size_t plain_prefix_of_short(std::string_view text) {
  if (text.size() >= 8) {
    auto const found =
        escapes_in(load<std::uint64_t>(text.data())) | escapes_in(load<std::uint64_t>(text.data() + text.size() - 8));
    return found == 0 ? text.size() : first_escape(text, 0);
  }
  if (text.size() >= 4) {
    auto const both =
        std::uint64_t{load<std::uint32_t>(text.data())} << 32 | load<std::uint32_t>(text.data() + text.size() - 4);
    return escapes_in(both) == 0 ? text.size() : first_escape(text, 0);
  }
  return first_escape(text, 0);
}

/// UTF-8 orders strings by code point, UTF-16 by code unit. They differ in one place: characters beyond U+FFFF (first
/// byte F0 to F4) are surrogates in UTF-16 and come before U+E000 to U+FFFF (first byte EE or EF). Moving those two
/// bytes past F4 makes byte order the order of UTF-16; FE and FF are never bytes of UTF-8.
constexpr unsigned char utf16_rank(unsigned char byte) {
  return byte == 0xEE || byte == 0xEF ? static_cast<unsigned char>(byte + 0x10) : byte;
}

std::uint64_t ranked(std::uint64_t word) {
  if ((word & high_bits) == 0) [[likely]]
    return word;
  std::uint64_t result = 0;
  for (int shift = 56; shift >= 0; shift -= 8) {
    result |= std::uint64_t{utf16_rank(static_cast<unsigned char>(word >> shift))} << shift;
  }
  return result;
}

constexpr bool is_tail(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

/// Bytes of the character that begins here with a byte of 0x80 or more; 0 when it is none.
std::size_t length_of_character(char const* text, std::size_t left) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char const first = byte(0);
  if (first < 0xC2 || first > 0xF4) return 0;
  if (first < 0xE0) return left >= 2 && is_tail(byte(1)) ? 2 : 0;
  if (first < 0xF0) {
    if (left < 3 || !is_tail(byte(1)) || !is_tail(byte(2))) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (first == 0xED && byte(1) > 0x9F) return 0;  // a surrogate
    return 3;
  }
  if (left < 4 || !is_tail(byte(1)) || !is_tail(byte(2)) || !is_tail(byte(3))) return 0;
  if (first == 0xF0 && byte(1) < 0x90) return 0;  // overlong
  if (first == 0xF4 && byte(1) > 0x8F) return 0;  // beyond U+10FFFF
  return 4;
}

/// How far a run of characters of three bytes goes: the scripts of Asia are little else, and looking at four bytes at
/// once takes them twice as fast. Stops at anything it does not like, which need not be a fault.
std::size_t skip_three_byte_characters(std::string_view text, std::size_t from) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; from + 4 <= text.size(); from += 3) {
      auto const word = load<std::uint32_t>(text.data() + from);
      if ((word & 0x00C0C0F0U) != 0x008080E0U) break;
      std::uint32_t const lead = word & 0x0FU;
      bool const high_second = (word & 0x2000U) != 0;
      if ((lead == 0x0 && !high_second) || (lead == 0xD && high_second)) break;  // overlong; a surrogate
    }
  }
  return from;
}

/// Where the first byte of 0x80 or more is, from `from` on.
std::size_t skip_ascii(std::string_view text, std::size_t from) {
#ifdef __SSE2__
  for (; from + 16 <= text.size(); from += 16) {
    auto const block = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + from));
    auto const high = static_cast<unsigned>(_mm_movemask_epi8(block));
    if (high != 0) return from + static_cast<std::size_t>(std::countr_zero(high));
  }
#endif
  for (; from + 8 <= text.size(); from += 8) {
    if ((load<std::uint64_t>(text.data() + from) & high_bits) != 0) break;
  }
  while (from < text.size() && static_cast<unsigned char>(text[from]) < 0x80) ++from;
  return from;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = skip_ascii(text, 0); at < text.size(); at = skip_ascii(text, at)) {
    // Characters that are not ASCII come in runs.
    for (;;) {
      at = skip_three_byte_characters(text, at);
      if (at == text.size() || static_cast<unsigned char>(text[at]) < 0x80) break;
      std::size_t const length = length_of_character(text.data() + at, text.size() - at);
      if (length == 0) return false;
      at += length;
    }
  }
  return true;
}

std::string_view whole_characters(std::string_view text, std::size_t most_bytes) {
  std::size_t size = std::min(text.size(), most_bytes);
  // A tail at the cut belongs to a character that began before it.
  while (size < text.size() && size > 0 && is_tail(static_cast<unsigned char>(text[size]))) --size;
  return text.substr(0, size);
}

std::string repaired_utf8(std::string_view text) {
  std::string repaired;
  for (std::size_t at = 0; at < text.size();) {
    bool const ascii = static_cast<unsigned char>(text[at]) < 0x80;
    std::size_t const length = ascii ? 1 : length_of_character(text.data() + at, text.size() - at);
    repaired += length == 0 ? "\xEF\xBF\xBD" : text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return repaired;
}

bool utf16_less(std::string_view a, std::string_view b) {
  std::size_t const common = std::min(a.size(), b.size());
  std::size_t at = 0;
  for (; at + 8 <= common; at += 8) {
    auto const in_a = load_in_order(a.data() + at);
    auto const in_b = load_in_order(b.data() + at);
    if (in_a != in_b) return ranked(in_a) < ranked(in_b);
  }
  for (; at < common; ++at) {
    if (a[at] != b[at]) {
      return utf16_rank(static_cast<unsigned char>(a[at])) < utf16_rank(static_cast<unsigned char>(b[at]));
    }
  }
  return a.size() < b.size();
}

unsigned long long utf16_prefix(std::string_view name) {
  if (name.size() >= 8) return ranked(load_in_order(name.data()));
  std::size_t const size = name.size();
  auto const end = static_cast<unsigned>(64 - 8 * size);  // bits behind the last byte
  // Loads that overlap: what two of them have is the same in both.
  if (size >= 4)
    return ranked(load_four_in_order(name.data()) << 32U | load_four_in_order(name.data() + size - 4) << end);
  if (size == 0) return 0;
  auto const byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(name[i])}; };
  return ranked(byte(0) << 56U | byte(size / 2) << (56 - 8 * (size / 2)) | byte(size - 1) << end);
}

std::size_t plain_prefix(std::string_view text) {
#ifdef __SSE2__
  if (text.size() < 16) return plain_prefix_of_short(text);
  std::size_t at = 0;
  for (;;) {
    auto const block = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + at));
    unsigned const found = escapes_in(block);
    if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(found));
    if (at + 16 == text.size()) return text.size();
    at = std::min(at + 16, text.size() - 16);  // the last block overlaps the one before it
  }
#else
  if (text.size() < 16) return plain_prefix_of_short(text);
  return first_escape(text, 0);
#endif
}

char* copy_plain(char* to, std::string_view text) {
  std::size_t const size = text.size();
  char const* const from = text.data();
#ifdef __SSE2__
  if (size >= 16) {
    for (std::size_t at = 0;;) {
      auto const block = _mm_loadu_si128(reinterpret_cast<__m128i const*>(from + at));
      if (escapes_in(block) != 0) return nullptr;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), block);
      if (at + 16 == size) return to + size;
      at = std::min(at + 16, size - 16);  // the last block overlaps the one before it
    }
  }
#else
  if (size >= 16) {
    if (plain_prefix(text) != size) return nullptr;
    return std::copy(text.begin(), text.end(), to);
  }
#endif
  if (size >= 8) {
    auto const first = load<std::uint64_t>(from);
    auto const last = load<std::uint64_t>(from + size - 8);
    if ((escapes_in(first) | escapes_in(last)) != 0) return nullptr;
    store(to, first);
    store(to + size - 8, last);
  } else if (size >= 4) {
    auto const first = load<std::uint32_t>(from);
    auto const last = load<std::uint32_t>(from + size - 4);
    if (escapes_in(std::uint64_t{first} << 32U | last) != 0) return nullptr;
    store(to, first);
    store(to + size - 4, last);
  } else {
    for (std::size_t i = 0; i < size; ++i) {
      if (must_be_escaped(from[i])) return nullptr;
      to[i] = from[i];
    }
  }
  return to + size;
}

}  // namespace mayfly::service
