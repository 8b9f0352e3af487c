#pragma once

#include <mayfly/detail/poison.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

/// In builds with MAYFLY_CANARIES what allocates is inlined into its caller, so that a canary's site is there.
#ifdef MAYFLY_CANARIES
#define MAYFLY_CANARY_INLINE [[gnu::always_inline]]
#else
#define MAYFLY_CANARY_INLINE
#endif

namespace mayfly::detail {

/// What somebody who wrote beyond an allocation left behind.
struct canary_damage {
  void const* address = nullptr;  ///< the first byte that is not as it was
  void const* memory = nullptr;   ///< where the allocation starts, as far as that can still be told
  std::size_t bytes = 0;          ///< its size; 0: unknown
  void const* site = nullptr;     ///< code address that it was taken at
  std::uint64_t owner_tag = 0;    ///< of the arena
};

/// Hears of each, on the thread that uses the arena. May not throw, nor use that arena.
using canary_handler = void (*)(canary_damage const&) noexcept;
/// For the whole process. Null, as at the start: a line to standard error, and std::abort().
void set_canary_handler(canary_handler handler) noexcept;
/// The same unless there is one already: true. What an embedder has set stays when a registry is made.
bool offer_canary_handler(canary_handler handler) noexcept;

/// Lies behind each allocation, in builds with MAYFLY_CANARIES. What is written first beyond the allocation's bytes is
/// the filling and `front`; size and site survive a small overrun.
///
///     [ allocation: bytes | filling to 8 ][ front | bytes | site | back | rear ]
///     ^ memory                                                                 ^ end = where the next one may start
///     |<------------------------------- back ---------------------------------->|   (and padding before memory)
struct canary {
  std::uint64_t front;
  std::size_t bytes;
  void const* site;
  std::size_t back;  // from the end of the canary before, or the start of the page, to this one's end
  std::uint64_t rear;
};
static_assert(sizeof(canary) == canary_bytes);

/// Whether a canary that was found in front of `end` has kept its `back`, `bytes` and `site`, as far as they can tell.
[[nodiscard]] bool is_plausible(canary const& seen, std::byte const* end, std::byte const* first) noexcept;

/// Puts a canary in front of `end`, behind an allocation that starts at `memory`, and fills what lies between.
void lay_canary(std::byte* memory, std::size_t bytes, std::byte* end, std::size_t back, void const* site) noexcept;

/// Where allocations of a page or a block lie.
enum class canary_place : unsigned char { in_page, in_block };

/// What is wrong with the canary in front of `end`, where the allocation can start at `first` at the earliest. In a
/// block it starts there.
[[nodiscard]] std::optional<canary_damage> damage_before(std::byte const* end, std::byte const* first,
                                                         canary_place where) noexcept;
/// Makes it what it was; false where too much is lost for that, and the canaries before it cannot be found.
[[nodiscard]] bool mend_canary(std::byte* end, std::byte const* first, canary_place where) noexcept;

/// Tells the handler.
void report(canary_damage const& damage) noexcept;

[[nodiscard]] inline canary& canary_before(std::byte* end) noexcept {
  return *reinterpret_cast<canary*>(end - canary_bytes);
}
[[nodiscard]] inline canary const& canary_before(std::byte const* end) noexcept {
  return *reinterpret_cast<canary const*>(end - canary_bytes);
}

}  // namespace mayfly::detail
