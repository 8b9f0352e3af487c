#pragma once

#include <mayfly/page_pool_options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mayfly {

/// What an arena holds, in bytes. handed_out + tail_waste + room + skipped + oversize_slack == reserved, where skipped
/// is the offset at which the first page starts, so that arenas do not all use the same lines of the first-level cache.
struct arena_usage {
  std::size_t handed_out_bytes = 0;  ///< asked for, with the rounding to 8 and the padding for alignment
  std::size_t reserved_bytes = 0;    ///< pages and blocks held: what the budget is charged
  std::size_t tail_waste_bytes = 0;  ///< left at the end of pages the arena has gone on from
  std::size_t room_bytes = 0;        ///< left in the current page
  std::size_t skipped_bytes = 0;     ///< before the first allocation
  std::size_t oversize_bytes = 0;    ///< in blocks of their own
  std::size_t oversize_blocks = 0;
  std::size_t oversize_slack_bytes = 0;  ///< of these, what nobody has asked for: blocks are rounded up to 4 KiB
  std::array<std::uint32_t, page_pool_options::classes> pages{};  ///< pages held, by class

  [[nodiscard]] std::uint32_t page_count() const noexcept { return pages[0] + pages[1] + pages[2]; }
  /// Held, and not handed out.
  [[nodiscard]] std::size_t unused_bytes() const noexcept { return reserved_bytes - handed_out_bytes; }
  arena_usage& operator+=(arena_usage const& more) noexcept;
};

}  // namespace mayfly
