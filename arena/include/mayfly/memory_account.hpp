#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mayfly {

/// What a byte of a pool's reservation is for. Each is in exactly one place.
enum class memory_place : std::uint8_t {
  pages_in_use,
  blocks_in_use,
  magazines,      ///< idle pages that threads have at hand
  depot,          ///< idle pages that any thread can take
  cached_blocks,  ///< idle blocks
  quarantine,     ///< pages and blocks of ended owners, out of reach
  // The above is what committed_bytes() counts; below there is memory only where the kernel gives huge pages.
  block_rest,  ///< addresses behind a block: it is a power of two, or whole spans, backed as far as it was asked for
  returned,    ///< pages and blocks whose memory the system has back, or may take (memory_return::free)
  fresh,       ///< cut, and never handed out
  free,        ///< spans that are not cut
};
inline constexpr std::size_t memory_places = 10;

/// As documents and reports call it.
[[nodiscard]] std::string_view to_string(memory_place place) noexcept;

/// An amount of memory: addresses, and how much of them the kernel backs. A page is backed as far as it was ever
/// touched since its memory last came from the system, by whichever request.
struct memory_amount {
  std::uint64_t pieces = 0;  ///< pages, blocks; free: spans
  std::size_t bytes = 0;
  std::size_t resident_bytes = 0;

  memory_amount& operator+=(memory_amount const& more) noexcept {
    pieces += more.pieces;
    bytes += more.bytes;
    resident_bytes += more.resident_bytes;
    return *this;
  }
  memory_amount& operator-=(memory_amount const& part) noexcept {
    pieces -= part.pieces;
    bytes -= part.bytes;
    resident_bytes -= part.resident_bytes;
    return *this;
  }
};

/// Where every byte of a pool is: page_pool::account(). The places' bytes sum up to the reservation, and their resident
/// bytes to what the kernel holds for it, at any time: smaps' Rss of these addresses (but for pages that were read and
/// never written). Which place a page is in is exact when nobody takes or gives; one that is on its way counts as in
/// use.
struct memory_account {
  /// What one owner tag holds; the tag 0 stands for all arenas without one.
  struct owner_amount : memory_amount {
    std::uint64_t owner = 0;
  };

  std::array<memory_amount, memory_places> places{};
  std::vector<owner_amount> owners;  ///< of pages and blocks in use; in the order of their tags
  bool resident_known = true;        ///< false: mincore(2) was refused, as some sandboxes do

  [[nodiscard]] memory_amount const& of(memory_place place) const noexcept {
    return places[static_cast<std::size_t>(place)];
  }
  /// The sum of all places.
  [[nodiscard]] memory_amount total() const noexcept;
  /// Bytes that the pool holds, in use or idle: page_pool::committed_bytes().
  [[nodiscard]] std::size_t committed_bytes() const noexcept;
};

}  // namespace mayfly
