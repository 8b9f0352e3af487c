#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mayfly::trace {

/// What an arena was told to do.
enum class operation_kind : std::uint8_t {
  allocate,         ///< from a page; alignments below 8 are recorded as 8, which is what they get
  allocate_block,   ///< ... and it got a block of its own
  give_back,        ///< the allocation made last in the current page
  resize,           ///< the same one, in place
  give_back_block,  ///< the block of that number: the arena's newest is 0
  resize_block,
  mark,    ///< numbered from 1 through an arena's life
  rewind,  ///< to the mark of that number; 0: to the beginning
};
inline constexpr std::uint8_t operation_kinds = 8;

/// One of them; what a kind has no use for is as it is here.
struct operation {
  operation_kind kind = operation_kind::allocate;
  std::uint32_t number = 0;
  std::size_t bytes = 0;
  std::size_t alignment = 8;
  std::size_t new_bytes = 0;
};

/// Sizes are below this: 1 TiB, as much as a pool can reserve.
inline constexpr std::size_t operation_size_limit = std::size_t{1} << 40U;
/// An operation takes no more than so many bytes.
inline constexpr std::size_t longest_operation = 24;

/// Writes varints (LEB128, as DWARF 5 has it in 7.6): seven bits a byte, the lowest first, the top bit says that more
/// follow.
inline std::byte* write_varint(std::byte* to, std::uint64_t value) noexcept {
  for (; value >= 0x80U; value >>= 7U) *to++ = static_cast<std::byte>(value | 0x80U);
  *to++ = static_cast<std::byte>(value);
  return to;
}

/// Writes an operation, at most longest_operation bytes; returns where it ends.
///
///     allocate, alignment 8    varint(bytes * 2)
///     anything else            varint(kind * 2 + 1), then as varints what the kind has of: number, log2 of the
///                              alignment, bytes, new bytes
inline std::byte* write_operation(std::byte* to, operation const& what) noexcept {
  if (what.kind == operation_kind::allocate && what.alignment <= 8) return write_varint(to, what.bytes << 1U);
  to = write_varint(to, static_cast<std::uint64_t>(what.kind) << 1U | 1U);
  auto const number = [&] { to = write_varint(to, what.number); };
  auto const alignment = [&] { to = write_varint(to, static_cast<std::uint64_t>(std::countr_zero(what.alignment))); };
  auto const bytes = [&] { to = write_varint(to, what.bytes); };
  auto const new_bytes = [&] { to = write_varint(to, what.new_bytes); };
  switch (what.kind) {
    case operation_kind::allocate:
    case operation_kind::allocate_block:
      return alignment(), bytes(), to;
    case operation_kind::give_back:
      return bytes(), to;
    case operation_kind::resize:
      return bytes(), new_bytes(), to;
    case operation_kind::give_back_block:
      return number(), alignment(), bytes(), to;
    case operation_kind::resize_block:
      return number(), bytes(), new_bytes(), to;
    case operation_kind::mark:
      return to;
    case operation_kind::rewind:
      return number(), to;
  }
  return to;
}

/// Reads the operations of a life of a trace. It trusts them: trace::read() has looked at every one.
class operation_reader {
 public:
  explicit operation_reader(std::span<std::byte const> operations) noexcept
      : at_{operations.data()}, end_{operations.data() + operations.size()} {}

  /// The next operation; false at the end.
  bool next(operation& into) noexcept {
    if (at_ == end_) return false;
    std::uint64_t const token = varint();
    if ((token & 1U) == 0) [[likely]] {
      into.kind = operation_kind::allocate;
      into.bytes = token >> 1U;
      into.alignment = 8;
      return true;
    }
    read_unusual(into, static_cast<operation_kind>(token >> 1U));
    return true;
  }

 private:
  std::uint64_t varint() noexcept {
    auto value = std::to_integer<std::uint64_t>(*at_++);
    if (value < 0x80U) [[likely]]
      return value;
    value &= 0x7fU;
    for (unsigned shift = 7;; shift += 7) {
      auto const next = std::to_integer<std::uint64_t>(*at_++);
      value |= (next & 0x7fU) << shift;
      if (next < 0x80U) return value;
    }
  }

  void read_unusual(operation& into, operation_kind kind) noexcept {
    into.kind = kind;
    into.alignment = 8;
    bool const numbered = kind == operation_kind::give_back_block || kind == operation_kind::resize_block ||
                          kind == operation_kind::rewind;
    bool const aligned = kind == operation_kind::allocate || kind == operation_kind::allocate_block ||
                         kind == operation_kind::give_back_block;
    if (numbered) into.number = static_cast<std::uint32_t>(varint());
    if (aligned) into.alignment = std::size_t{1} << varint();
    if (kind != operation_kind::mark && kind != operation_kind::rewind) into.bytes = varint();
    if (kind == operation_kind::resize || kind == operation_kind::resize_block) into.new_bytes = varint();
  }

  std::byte const* at_;
  std::byte const* end_;
};

}  // namespace mayfly::trace
