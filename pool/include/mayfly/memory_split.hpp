#pragma once

#include <mayfly/scope.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mayfly {

/// What requests held, byte for byte: handed_out + tail_waste + room + skipped + oversize_slack + lanes_unused == held.
struct memory_split {
  std::uint64_t requests = 0;
  std::uint64_t pages = 0;
  std::uint64_t blocks = 0;
  std::uint64_t held_bytes = 0;            ///< pages and blocks
  std::uint64_t handed_out_bytes = 0;      ///< with the rounding to 8 and the padding for alignment
  std::uint64_t tail_waste_bytes = 0;      ///< at the end of pages that were gone on from
  std::uint64_t room_bytes = 0;            ///< in the current page
  std::uint64_t skipped_bytes = 0;         ///< before the first allocation
  std::uint64_t oversize_slack_bytes = 0;  ///< of blocks, which are rounded up to 4 KiB
  std::uint64_t lanes_unused_bytes = 0;    ///< all of these in the lanes of other threads

  using figure = std::uint64_t memory_split::*;
  static constexpr std::array<figure, 10> figures{&memory_split::requests,
                                                  &memory_split::pages,
                                                  &memory_split::blocks,
                                                  &memory_split::held_bytes,
                                                  &memory_split::handed_out_bytes,
                                                  &memory_split::tail_waste_bytes,
                                                  &memory_split::room_bytes,
                                                  &memory_split::skipped_bytes,
                                                  &memory_split::oversize_slack_bytes,
                                                  &memory_split::lanes_unused_bytes};

  memory_split& operator+=(memory_split const& more) noexcept {
    for (figure const each : figures) this->*each += more.*each;
    return *this;
  }

  /// Of one request, now. Only where nobody else allocates in its scope, by whoever may use main_arena(): a handler
  /// without nested work under way, a completion. Walks its pages.
  [[nodiscard]] static memory_split of(scope& request) noexcept;
};

}  // namespace mayfly
