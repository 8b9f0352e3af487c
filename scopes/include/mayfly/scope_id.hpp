#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

namespace mayfly {

/// Names one request scope, for ever: an id is never given twice in the life of the process, whichever registry it
/// comes from, and one whose scope has ended is refused everywhere. A value: copy it, store it, send it.
///
///     63                              24 23          0
///     [ generation of the slot, from 1  | slot        ]      0: no scope
class scope_id {
 public:
  static constexpr unsigned slot_bits = 24;
  static constexpr unsigned generation_bits = 40;
  static constexpr std::uint64_t largest_generation = (std::uint64_t{1} << generation_bits) - 1;

  /// No scope.
  constexpr scope_id() noexcept = default;
  constexpr scope_id(std::uint32_t slot, std::uint64_t generation) noexcept
      : bits_{generation << slot_bits | (slot & ((1U << slot_bits) - 1))} {}

  /// Back from bits(), for ids that travelled as a number. Any number is safe: at worst it names no live scope.
  [[nodiscard]] static constexpr scope_id from_bits(std::uint64_t bits) noexcept {
    scope_id id;
    id.bits_ = bits;
    return id;
  }

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr std::uint32_t slot() const noexcept {
    return static_cast<std::uint32_t>(bits_ & ((1U << slot_bits) - 1));
  }
  [[nodiscard]] constexpr std::uint64_t generation() const noexcept { return bits_ >> slot_bits; }
  /// Whether this names a scope at all, live or ended.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return bits_ != 0; }

  friend constexpr auto operator<=>(scope_id, scope_id) noexcept = default;

 private:
  std::uint64_t bits_ = 0;
};

/// "slot.generation" in decimal, such as "17.42"; "none" for no scope. Allocates only as std::string does.
[[nodiscard]] std::string to_string(scope_id id);
std::ostream& operator<<(std::ostream& out, scope_id id);

}  // namespace mayfly

template <>
struct std::hash<mayfly::scope_id> {
  std::size_t operator()(mayfly::scope_id id) const noexcept { return std::hash<std::uint64_t>{}(id.bits()); }
};
