#pragma once

#include <cstddef>
#include <cstdint>

namespace mayfly {
class scope;
}

namespace mayfly::detail {

/// What an object of ours that knows a scope's address is to that scope.
enum class scope_mark : std::uint8_t {
  keeps = 1,    ///< a hold or pin: who brings one along may point into the scope
  watches = 2,  ///< asks by generation whether the scope is still there: may go anywhere
  enters = 4,   ///< works inside the scope, and is an escape as the scope itself is
};

/// A scope's address, with a mark by which the egress checks tell it in the bytes of a value from the address itself:
/// that of a scope, and of whatever in it somebody may point to, is a multiple of 8. Taking the mark off costs nothing:
/// it becomes part of the offset by which a field is read.
template <scope_mark Mark>
class marked_scope {
 public:
  constexpr marked_scope() noexcept = default;
  explicit marked_scope(scope& marked) noexcept : address_{reinterpret_cast<std::byte*>(&marked) + mark} {}

  [[nodiscard]] explicit operator bool() const noexcept { return address_ != nullptr; }
  /// Null where it is none.
  [[nodiscard]] scope* get() const noexcept { return address_ == nullptr ? nullptr : &known(); }
  /// Where it is one.
  [[nodiscard]] scope& known() const noexcept { return *reinterpret_cast<scope*>(address_ - mark); }

  /// What it looks like in the bytes of an object.
  [[nodiscard]] static std::uintptr_t word_of(scope const& marked) noexcept {
    return reinterpret_cast<std::uintptr_t>(&marked) + mark;
  }

 private:
  static constexpr std::size_t mark = static_cast<std::size_t>(Mark);

  std::byte* address_ = nullptr;
};

}  // namespace mayfly::detail
