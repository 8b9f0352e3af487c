#include "trace_parser.hpp"

#include <boost/endian/conversion.hpp>

namespace mayfly::trace {

void cursor::fail(std::size_t offset, std::string const& what) const {
  throw trace_error(std::string(name_) + ": " + what + " (at offset " + std::to_string(offset) + ')');
}

std::span<std::byte const> cursor::read_bytes(std::uint64_t count, char const* what) {
  if (count > left()) fail(std::string("ends in the middle of ") + what);
  auto const bytes = content_.subspan(at_, static_cast<std::size_t>(count));
  at_ += bytes.size();
  return bytes;
}

std::uint32_t cursor::read_u32() {
  auto const bytes = read_bytes(4, "a number");
  return boost::endian::load_little_u32(reinterpret_cast<unsigned char const*>(bytes.data()));
}

std::uint64_t cursor::read_varint() {
  std::size_t const start = at_;
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (left() == 0) fail(start, "ends in the middle of a number");
    auto const byte = std::to_integer<std::uint64_t>(content_[at_++]);
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7fU) << shift;
    if (byte < 0x80U) return value;
  }
  fail(start, "corrupt: a number of more than 64 bits");
}

std::uint64_t cursor::read_number(char const* what, std::uint64_t most) {
  std::size_t const start = at_;
  std::uint64_t const value = read_varint();
  if (value > most)
    fail(start,
         std::string("corrupt: ") + what + " is " + std::to_string(value) + ", of at most " + std::to_string(most));
  return value;
}

cursor cursor::sub(std::size_t count) {
  cursor inner = *this;
  inner.content_ = content_.first(at_ + count);
  at_ += count;
  return inner;
}

}  // namespace mayfly::trace
