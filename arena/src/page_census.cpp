#include "page_census.hpp"

#include <mayfly/detail/page_quarantine.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

namespace mayfly {

memory_account page_pool::account() const { return detail::page_census{*this}.take(); }

}  // namespace mayfly

namespace mayfly::detail {

page_census::page_census(page_pool const& pool)
    : pool_{pool},
      spans_{pool.spans_.behind_highest()},
      places_(pool.first_index_of(spans_), memory_place::pages_in_use),
      residency_{pool.spans_.start(), pool.spans_.bytes()} {}

memory_account page_census::take() {
  note_fresh();
  note_pages();
  note_blocks();
  note_quarantine();
  spans_ = pool_.spans_.behind_highest();
  for (std::uint32_t span = 0; span < spans_;) span += count_span(span);
  std::uint32_t const unused = pool_.spans_.spans() - spans_;
  count(memory_place::free, {.pieces = unused, .bytes = unused * span_space::span_bytes});
  for (auto const& [owner, amount] : owners_) account_.owners.push_back({amount, owner});
  account_.resident_known = residency_.known();
  return std::move(account_);
}

// ---- what lies where

/// Whoever moves a page meanwhile may show it twice: the last note counts. Spans taken since have no place here.
void page_census::note(std::uint32_t index, memory_place place) noexcept {
  if (index < places_.size()) places_[index] = place;
}

void page_census::note_listed(memory_place place) noexcept {
  for (std::uint32_t const index : listed_) note(index, place);
  listed_.clear();
}

void page_census::note_fresh() {
  std::scoped_lock const lock{pool_.carve_mutex_};
  auto const note_rest = [&](page_pool::carver const& from) {
    if (from.next == from.end) return;
    std::uint32_t const units = (pool_.first_index_of(1)) / from.end;  // of one piece
    for (std::uint32_t piece = from.next; piece < from.end; ++piece) {
      note(pool_.first_index_of(from.span) + piece * units, memory_place::fresh);
    }
  };
  for (auto const& from : pool_.page_carvers_) note_rest(from);
  for (auto const& from : pool_.block_carvers_) note_rest(from);
}

void page_census::note_pages() {
  for (std::size_t c = 0; c < page_pool::classes; ++c) {
    pool_.pages_.list_cached(c, listed_);
    note_listed(memory_place::magazines);
    pool_.pages_.list_depot(c, listed_);
    note_listed(memory_place::depot);
    pool_.returned_[c].list(pool_.pages_.links(), pool_.returned_[c].items(), listed_);
    note_listed(memory_place::returned);
  }
}

void page_census::note_blocks() {
  auto const most = static_cast<std::uint32_t>(places_.size());
  for (std::size_t bin = 0; bin < page_pool::bins; ++bin) {
    pool_.idle_blocks_[bin].list(pool_.pages_.links(), most, listed_);
    note_listed(memory_place::cached_blocks);
    pool_.empty_blocks_[bin].list(pool_.pages_.links(), most, listed_);
    note_listed(memory_place::returned);
  }
  std::scoped_lock const lock{pool_.runs_mutex_};
  for (page_pool::idle_run const& run : pool_.idle_runs_) {
    if (run.spans != 0) note(pool_.first_index_of(run.first), memory_place::cached_blocks);
  }
}

void page_census::note_quarantine() {
  page_quarantine const* const quarantine = pool_.quarantine();
  if (quarantine == nullptr) return;
  auto const note_linked = [&](std::uint32_t first) {
    for (std::uint32_t each = first; each != 0; each = pool_.descriptors_[each - 1].next) {
      note(each - 1, memory_place::quarantine);
    }
  };
  std::scoped_lock const lock{quarantine->mutex_};
  note_linked(quarantine->stuck_pages_);
  note_linked(quarantine->stuck_blocks_);
  // Relaxed, both: written under the lock that we hold.
  std::uint64_t const end = quarantine->newest_.load(std::memory_order_relaxed);
  for (std::uint64_t number = quarantine->oldest_.load(std::memory_order_relaxed); number != end; ++number) {
    note_linked(quarantine->at(number).pages);
    note_linked(quarantine->at(number).blocks);
  }
}

// ---- adding up

/// Counts what lies in the span, or in the run that begins there; returns how many spans that was.
std::uint32_t page_census::count_span(std::uint32_t span) {
  // sync span-word: acquire; pairs with set_span_words(); reads the pieces' descriptors
  std::uint64_t const word = pool_.span_words_[span].load(std::memory_order_acquire);
  if (word == 0) {
    count(memory_place::free, look_at(std::size_t{span} * span_space::span_bytes, span_space::span_bytes));
    return 1;
  }
  if (page_pool::shift_of(word) != page_pool::run_shift) {
    count_pieces(span, word);
    return 1;
  }
  // A run that began after we passed its first span is seen from here on.
  std::uint32_t const rest = page_pool::first_of(word) + page_pool::run_spans_of(word) - span;
  std::uint32_t const spans = std::min(rest, spans_ - span);
  count_piece(pool_.first_index_of(span), spans * span_space::span_bytes, true);
  return spans;
}

void page_census::count_pieces(std::uint32_t span, std::uint64_t word) {
  std::uint64_t const shift = page_pool::shift_of(word);
  std::uint32_t const first = pool_.first_index_of(span);
  std::uint32_t const units = std::uint32_t{1} << (shift - pool_.unit_shift_);
  for (std::uint32_t index = first; index < first + pool_.first_index_of(1); index += units) {
    count_piece(index, std::size_t{1} << shift, (word & page_pool::block_flag) != 0);
  }
}

void page_census::count_piece(std::uint32_t index, std::size_t bytes, bool is_block) {
  std::size_t const offset = std::size_t{index} << pool_.unit_shift_;
  memory_place const place = place_of(index);
  if (place == memory_place::returned || place == memory_place::fresh) return count(place, look_at(offset, bytes));
  std::size_t const backed = is_block ? std::min(bytes, pool_.descriptors_[index].committed_bytes()) : bytes;
  memory_amount const amount = look_at(offset, backed);
  if (place == memory_place::pages_in_use) {
    count(is_block ? memory_place::blocks_in_use : place, amount);
    // Relaxed: a hint where its scope is just beginning or ending, as in owner_of().
    owners_[pool_.descriptors_[index].owner.load(std::memory_order_relaxed)] += amount;
  } else {
    count(place, amount);
  }
  if (backed != bytes) count(memory_place::block_rest, look_at(offset + backed, bytes - backed));
}

}  // namespace mayfly::detail
