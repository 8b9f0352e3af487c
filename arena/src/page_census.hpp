#pragma once

#include "residency.hpp"
#include <mayfly/memory_account.hpp>
#include <mayfly/page_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace mayfly::detail {

/// Takes a pool's account: notes the place of each page and block that lies in a chain, then walks the reservation and
/// adds up. What is noted nowhere is in use. So each byte counts once, whatever others do meanwhile, and can only be
/// filed wrongly.
///
///     places_   one a unit of the smallest page; that of a piece's first unit is the piece's
///
/// Chains are looked at while they are others' (detail::index_chain::list()). Locks: those of cutting, of idle runs and
/// of the quarantine, none of which a warm request takes outside guard mode.
class page_census {
 public:
  explicit page_census(page_pool const& pool);

  [[nodiscard]] memory_account take();

 private:
  void note(std::uint32_t index, memory_place place) noexcept;
  void note_listed(memory_place place) noexcept;
  void note_fresh();
  void note_pages();
  void note_blocks();
  void note_quarantine();

  [[nodiscard]] std::uint32_t count_span(std::uint32_t span);
  void count_pieces(std::uint32_t span, std::uint64_t word);
  void count_piece(std::uint32_t index, std::size_t bytes, bool is_block);
  void count(memory_place place, memory_amount const& amount) noexcept {
    account_.places[static_cast<std::size_t>(place)] += amount;
  }
  /// One piece.
  [[nodiscard]] memory_amount look_at(std::size_t offset, std::size_t bytes) noexcept {
    return {.pieces = 1, .bytes = bytes, .resident_bytes = residency_.resident(offset, bytes)};
  }
  [[nodiscard]] memory_place place_of(std::uint32_t index) const noexcept {
    return index < places_.size() ? places_[index] : memory_place::pages_in_use;
  }

  page_pool const& pool_;
  std::uint32_t spans_;  // that were ever taken: those behind them have no memory
  std::vector<memory_place> places_;
  std::vector<std::uint32_t> listed_;
  residency residency_;
  memory_account account_;
  std::map<std::uint64_t, memory_amount> owners_;
};

}  // namespace mayfly::detail
