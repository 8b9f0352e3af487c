#pragma once

#include <mayfly/scope_id.hpp>

#include <cstdint>

namespace mayfly::detail {

/// Slots whose generations are more than half used up are not given again: their next registry might run out of them.
inline constexpr std::uint64_t reusable_generations = scope_id::largest_generation / 2;

/// A registry's share of the slot numbers in scope ids. Live registries have disjoint shares, and a share that is used
/// again starts above every generation given out in it before: ids are distinct for the life of the process (S1).
class slot_range {
 public:
  /// Throws std::length_error where 2^24 slots do not suffice.
  explicit slot_range(std::uint32_t slots);
  ~slot_range();
  slot_range(slot_range const&) = delete;
  slot_range& operator=(slot_range const&) = delete;

  [[nodiscard]] std::uint32_t first() const noexcept { return first_; }
  [[nodiscard]] std::uint32_t slots() const noexcept { return slots_; }
  /// The lowest generation that no slot of the share has had.
  [[nodiscard]] std::uint64_t fresh_generation() const noexcept { return fresh_generation_; }
  /// Says, before the end, which generations were given out: all below `fresh`.
  void used_below(std::uint64_t fresh) noexcept { fresh_generation_ = fresh; }

 private:
  std::uint32_t first_ = 0;
  std::uint32_t slots_;
  std::uint64_t fresh_generation_ = 1;
};

}  // namespace mayfly::detail
