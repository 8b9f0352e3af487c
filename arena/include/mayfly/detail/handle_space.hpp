#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mayfly::detail {

/// Names a byte of arena memory until that memory is given back, in 64 bits:
///
///     63   62       37 36 35 34          12 11       0
///     [ 1 | anchor    | 0   | generation   | offset   ]      0: names nothing
///
/// The highest bit is in no user-space address, so that a handle is never taken for a pointer by whoever looks for
/// pointers; and makes the anchor's number, read as signed, an index back from the end of the table, where the entry
/// that answers for 0 stands. With the two zeros behind it, it is that index in words of 8 bytes, which an x86
/// processor scales by itself when it makes an address (decision 0004).
using handle_bits = std::uint64_t;

inline constexpr unsigned handle_offset_bits = 12;
inline constexpr unsigned handle_generation_bits = 23;
inline constexpr unsigned handle_zero_bits = 2;
inline constexpr unsigned handle_anchor_bits = 26;
inline constexpr unsigned handle_word_shift = handle_offset_bits + handle_generation_bits;
inline constexpr unsigned handle_anchor_shift = handle_word_shift + handle_zero_bits;
inline constexpr std::size_t handle_unit_bytes = std::size_t{1}
                                                 << handle_offset_bits;  // the smallest page there can be
inline constexpr handle_bits handle_flag = handle_bits{1} << 63U;
static_assert(handle_anchor_shift + handle_anchor_bits == 63);

/// What handles to one unit (4 KiB) of arena memory are judged by. Once it is a unit's it stays so while the unit's
/// pool lives, and is never unmapped.
struct alignas(32) handle_anchor {
  /// The handle of the unit's first byte in the present generation, so that one subtraction judges a handle and gives
  /// its offset. 0: never used; handle_used_up: generations are all used. Written by whoever holds the unit.
  std::atomic<handle_bits> first;
  std::atomic<std::byte*> address;       ///< the unit; written before its first handle is made
  std::atomic<void*> owner;              ///< whose memory it is now; null: no handle was made in this generation
  std::atomic<std::uint64_t> owner_tag;  ///< the owner's tag
};
static_assert(sizeof(handle_anchor) == sizeof(std::uint64_t) << handle_zero_bits);

inline constexpr handle_bits handle_used_up = 1;
inline constexpr handle_bits largest_handle_generation = (handle_bits{1} << handle_generation_bits) - 1;

/// The end of the table of anchors: [-1] is the last anchor, [0] answers for the handle 0. Visible, so that a plugin
/// that hides all of its own reads the program's: in one of its own there is no anchor.
[[gnu::visibility("default")]] inline constinit handle_anchor no_handle_anchor{handle_used_up, nullptr, nullptr, 0};
[[gnu::visibility("default")]] inline constinit std::atomic<handle_anchor*> handle_table_end{&no_handle_anchor};

/// The anchor of a handle that was made in this process (or 0), on a thread that it was handed to as a pointer would
/// have been.
[[nodiscard]] inline handle_anchor& anchor_of(handle_bits handle) noexcept {
  // sync handle-table: acquire; pairs with handle_space::set_up(); the anchors may be read
  auto* const end = reinterpret_cast<std::byte*>(handle_table_end.load(std::memory_order_acquire));
  auto const words = static_cast<std::int64_t>(handle) >> handle_word_shift;
  return *reinterpret_cast<handle_anchor*>(end + words * static_cast<std::int64_t>(sizeof(std::uint64_t)));
}

/// The byte that `handle` names; null where its memory has been given back.
[[nodiscard]] inline std::byte* address_of(handle_anchor const& anchor, handle_bits handle) noexcept {
  // Relaxed, both: who may read the object is ordered behind the anchor's making with it. Who may not know whether it
  // still lives has other means to make sure (scoped_ref::pin).
  std::uint64_t const offset = handle - anchor.first.load(std::memory_order_relaxed);
  if (offset >= handle_unit_bytes) [[unlikely]]
    return nullptr;
  return anchor.address.load(std::memory_order_relaxed) + offset;
}

/// Whose memory a unit is.
struct handle_owner {
  void* owner = nullptr;
  std::uint64_t tag = 0;
};

/// Who has made handles into the unit in its present generation; nobody: null. Ask before address_of(): where that
/// still answers, both are the handle's.
[[nodiscard]] inline handle_owner owner_of(handle_anchor const& anchor) noexcept {
  // sync handle-owner: acquire, both; pairs with handle_map::make(); who reads a later owner's sees in address_of()
  // that the handle's own has ended
  return {anchor.owner.load(std::memory_order_acquire), anchor.owner_tag.load(std::memory_order_acquire)};
}

/// All anchors of the process: 2^26 of them, in one table that is reserved at the first call, halved until the system
/// grants it, and backed as it is used. Handed out in groups; a pool takes groups as it needs them, and a group that
/// comes back when its pool ends keeps its generations: no handle is ever made twice.
struct handle_space {
  static constexpr std::uint32_t group_anchors = 64;  ///< the first one is the group's own, and links it
  static constexpr std::uint32_t no_group = 0;

  /// A group, as the number of its first anchor back from the end of the table; no_group where none is left.
  [[nodiscard]] static std::uint32_t take_group() noexcept;
  /// Takes back a list of groups, linked by link_of().
  static void give_groups(std::uint32_t first) noexcept;

  /// Back from the end of the table.
  [[nodiscard]] static handle_anchor& anchor(std::uint32_t back) noexcept {
    // Relaxed: the number came from take_group(), under its lock.
    return handle_table_end.load(std::memory_order_relaxed)[-static_cast<std::int64_t>(back)];
  }
  /// Which group follows in a list. Whoever holds the group.
  [[nodiscard]] static std::atomic<std::uint64_t>& link_of(std::uint32_t group) noexcept {
    return anchor(group).owner_tag;
  }
};

}  // namespace mayfly::detail
