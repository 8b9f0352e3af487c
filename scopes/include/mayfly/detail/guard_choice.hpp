#pragma once

#include <mayfly/scope_id.hpp>

#include <cstdint>

namespace mayfly::detail {

/// Which scopes are guarded: one of so many, by their ids alone. No counter that threads would share, and the same at
/// every look.
class guard_choice {
 public:
  constexpr guard_choice() noexcept = default;
  constexpr explicit guard_choice(std::uint32_t one_in) noexcept
      : threshold_{one_in == 0 ? 0 : (every + one_in - 1) / one_in} {}

  [[nodiscard]] constexpr bool chooses(scope_id id) const noexcept {
    return threshold_ != 0 && mixed(id.bits()) >> 32U < threshold_;
  }

 private:
  static constexpr std::uint64_t every = std::uint64_t{1} << 32U;

  /// The last steps of MurmurHash3: neighbouring ids have nothing in common behind them.
  static constexpr std::uint64_t mixed(std::uint64_t bits) noexcept {
    bits = (bits ^ bits >> 33U) * 0xFF51AFD7ED558CCDU;
    bits = (bits ^ bits >> 33U) * 0xC4CEB9FE1A85EC53U;
    return bits ^ bits >> 33U;
  }

  std::uint64_t threshold_ = 0;  // of 2^32
};

}  // namespace mayfly::detail
