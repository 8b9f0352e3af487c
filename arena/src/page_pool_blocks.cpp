// Blocks: what is too large for a page. Up to a span they are pieces of a power of two, cut and cached like pages;
// above it they are runs of whole spans, backed only as far as they were asked for.

#include <mayfly/detail/poison.hpp>
#include <mayfly/page_pool.hpp>

#include <cerrno>

namespace mayfly {
namespace {

using detail::index_chain;
using detail::span_space;

constexpr std::size_t unit_bytes = page_pool::block_unit_bytes;

std::uint32_t units_of(std::size_t bytes) noexcept { return static_cast<std::uint32_t>(bytes / unit_bytes); }

std::size_t rounded_block(std::size_t bytes) noexcept { return (bytes + unit_bytes - 1) / unit_bytes * unit_bytes; }

}  // namespace

page_span page_pool::take_block(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > largest_block_bytes || alignment > largest_block_bytes) return {.reason = refusal::too_large};
  std::size_t const rounded = rounded_block(bytes);
  if (std::uint32_t const index = take_cached_block(rounded, alignment); index != no_page)
    return {page_address(index), rounded, index};
  std::size_t const shift = piece_shift(rounded, alignment);
  page_span const block = shift <= span_shift ? take_new_bin(rounded, shift) : take_run(rounded, alignment);
  if (block.data != nullptr) descriptors_[block.index].units = units_of(block.bytes);
  return block;
}

std::uint32_t page_pool::take_cached_block(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const rounded = rounded_block(bytes);
  std::size_t const shift = piece_shift(rounded, alignment);
  if (shift > span_shift) return no_page;
  index_chain const chain = idle_blocks_[shift - unit_shift_].pop(pages_.links());
  if (chain.empty()) return no_page;
  page_descriptor& block = descriptors_[chain.head()];
  std::size_t const committed = block.committed_bytes();
  block_tally_.take(committed);
  if (rounded > committed) [[unlikely]] {
    if (!charge(rounded - committed)) {
      give_bin(chain.head(), shift);
      return no_page;
    }
    block.set_committed_bytes(rounded);
  }
  block.units = units_of(rounded);
  pages_.count_taken(cached_blocks);
  return chain.head();
}

void page_pool::give_block(std::uint32_t index) noexcept {
  page_descriptor& block = descriptors_[index];
  block.owner.store(0, std::memory_order_relaxed);  // relaxed: see owner_of()
  if (block.armed()) retire_handles(index, block.block_bytes());
  detail::poison(page_address(index), block.block_bytes());
  fill(page_address(index), block.block_bytes());
  // Relaxed: the word was written before the block was handed to us, and stays while we hold it.
  std::uint64_t const word = span_words_[index >> (span_shift - unit_shift_)].load(std::memory_order_relaxed);
  if (shift_of(word) == run_shift) {
    give_run(index, run_spans_of(word));
  } else {
    give_bin(index, shift_of(word));
  }
}

std::uint32_t page_pool::block_at(void const* address) const noexcept {
  if (!contains(address)) return block_npos;
  auto const offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(spans_.start());
  // sync span-word: acquire; pairs with set_span_words()
  std::uint64_t const word = span_words_[offset >> span_shift].load(std::memory_order_acquire);
  if ((word & block_flag) == 0) return block_npos;
  if (shift_of(word) == run_shift) {
    return offset == std::size_t{first_of(word)} << span_shift ? first_index_of(first_of(word)) : block_npos;
  }
  std::size_t const piece_mask = (std::size_t{1} << shift_of(word)) - 1;
  return (offset & piece_mask) == 0 ? static_cast<std::uint32_t>(offset >> unit_shift_) : block_npos;
}

// ---- pieces of a span

page_span page_pool::take_new_bin(std::size_t bytes, std::size_t piece_shift) noexcept {
  std::size_t const bin = piece_shift - unit_shift_;
  if (!charge(bytes)) return {.reason = refusal::page_cap};
  page_span block = options_.recycle ? take_empty_bin(bytes, bin) : page_span{};
  if (block.data == nullptr) block = carve(block_carvers_[bin], piece_shift, block_flag);
  if (block.data == nullptr && !options_.recycle) {
    if (page_span const old = take_empty_bin(bytes, bin); old.data != nullptr) block = old;
  }
  if (block.data == nullptr) {
    refund(bytes);
    return block;
  }
  block.bytes = bytes;
  descriptors_[block.index].set_committed_bytes(bytes);
  block_tally_.start();
  blocks_from_system_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  return block;
}

page_span page_pool::take_empty_bin(std::size_t bytes, std::size_t bin) noexcept {
  index_chain const chain = empty_blocks_[bin].pop(pages_.links());
  if (chain.empty()) return {};
  page_span const block{page_address(chain.head()), bytes, chain.head()};
  if (!options_.recycle && !detail::sanitized && !commit(block.data, block.bytes)) {
    int const error_number = errno;
    empty_blocks_[bin].push(pages_.links(), chain);
    return {.reason = refusal::system, .error_number = error_number};
  }
  return block;
}

void page_pool::give_bin(std::uint32_t index, std::size_t piece_shift) noexcept {
  std::size_t const bin = piece_shift - unit_shift_;
  std::size_t const committed = descriptors_[index].committed_bytes();
  if (block_tally_.give(committed, most_idle_block_bytes()))
    return idle_blocks_[bin].push(pages_.links(), index_chain{index, 1});
  bool const returned = options_.recycle || detail::sanitized ? give_back(page_address(index), committed)
                                                              : span_space::protect(page_address(index), committed);
  if (!returned && options_.recycle) {
    block_tally_.add_idle(committed);
    return idle_blocks_[bin].push(pages_.links(), index_chain{index, 1});
  }
  refund(committed);
  empty_blocks_[bin].push(pages_.links(), index_chain{index, 1});
}

// ---- runs of spans

page_span page_pool::take_run(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const wanted = (bytes + span_space::span_bytes - 1) / span_space::span_bytes;
  if (wanted > spans_.spans()) return {.reason = refusal::address_space};
  auto const spans = static_cast<std::uint32_t>(wanted);
  if (idle_run const idle = take_idle_run(spans, alignment); idle.spans != 0) {
    std::size_t const committed = descriptors_[first_index_of(idle.first)].committed_bytes();
    page_span const block = grow_run(idle.first, idle.spans, committed, bytes);
    if (block.data == nullptr) {
      block_tally_.end();
    } else {
      pages_.count_taken(cached_blocks);
    }
    return block;
  }
  auto first = spans_.take_run(spans, alignment);
  if (!first) {
    release_quarantine();
    if (release_idle_blocks() != 0) first = spans_.take_run(spans, alignment);
  }
  if (!first) return {.reason = refusal::address_space};
  page_span const block = grow_run(*first, spans, 0, bytes);
  if (block.data != nullptr) {
    block_tally_.start();
    blocks_from_system_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  }
  return block;
}

/// Backs the run as far as `bytes`; gives it up where that is refused.
page_span page_pool::grow_run(std::uint32_t first, std::uint32_t spans, std::size_t committed,
                              std::size_t bytes) noexcept {
  std::uint32_t const index = first_index_of(first);
  std::byte* const data = page_address(index);
  descriptors_[index].set_committed_bytes(committed);
  if (bytes > committed) {
    if (!charge(bytes - committed)) {
      release_run({first, spans});
      return {.reason = refusal::page_cap};
    }
    descriptors_[index].set_committed_bytes(bytes);
    if (!commit(data + committed, bytes - committed)) {
      int const error_number = errno;
      release_run({first, spans});
      return {.reason = refusal::system, .error_number = error_number};
    }
    detail::poison(data + committed, bytes - committed);
    if (std::size_t const whole = bytes / span_space::span_bytes * span_space::span_bytes;
        whole != 0 && options_.huge_pages == huge_page_use::advise) {
      span_space::prefer_huge(data, whole, true);
    }
  }
  set_span_words(first, spans, block_flag | run_shift);
  return {data, bytes, index};
}

/// The shortest idle run that fits without wasting more than it gives.
page_pool::idle_run page_pool::take_idle_run(std::uint32_t spans, std::size_t alignment) noexcept {
  std::scoped_lock const lock{runs_mutex_};
  idle_run* best = nullptr;
  for (idle_run& run : idle_runs_) {
    if (run.spans < spans || run.spans / 2 > spans) continue;
    if (reinterpret_cast<std::uintptr_t>(spans_.address_of(run.first)) % alignment != 0) continue;
    if (best == nullptr || run.spans < best->spans) best = &run;
  }
  if (best == nullptr) return {};
  idle_run const run = *best;
  *best = {};
  block_tally_.take(descriptors_[first_index_of(run.first)].committed_bytes());
  return run;
}

bool page_pool::keep_idle_run(idle_run run, std::size_t committed) noexcept {
  std::scoped_lock const lock{runs_mutex_};
  for (idle_run& place : idle_runs_) {
    if (place.spans != 0) continue;
    if (!block_tally_.give(committed, most_idle_block_bytes())) return false;
    place = run;
    return true;
  }
  block_tally_.end();
  return false;
}

void page_pool::give_run(std::uint32_t index, std::uint32_t spans) noexcept {
  idle_run const run{index >> (span_shift - unit_shift_), spans};
  if (!keep_idle_run(run, descriptors_[index].committed_bytes())) release_run(run);
}

void page_pool::release_run(idle_run run) noexcept {
  std::size_t const committed = descriptors_[first_index_of(run.first)].committed_bytes();
  std::byte* const data = spans_.address_of(run.first);
  if (committed != 0) {
    detail::unpoison(data, committed);
    span_space::protect(data, committed);
    refund(committed);
  }
  set_span_words(run.first, run.spans, 0);
  spans_.give_run(run.first, run.spans);
}

std::size_t page_pool::release_idle_blocks() noexcept {
  std::size_t freed = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    for (auto chain = idle_blocks_[bin].pop(pages_.links()); !chain.empty();
         chain = idle_blocks_[bin].pop(pages_.links())) {
      std::size_t const committed = descriptors_[chain.head()].committed_bytes();
      if (!give_back(page_address(chain.head()), committed)) {
        idle_blocks_[bin].push(pages_.links(), chain);
        break;
      }
      block_tally_.drop_idle(committed);
      refund(committed);
      freed += committed;
      empty_blocks_[bin].push(pages_.links(), chain);
    }
  }
  std::scoped_lock const lock{runs_mutex_};
  for (idle_run& run : idle_runs_) {
    if (run.spans == 0) continue;
    std::size_t const committed = descriptors_[first_index_of(run.first)].committed_bytes();
    block_tally_.drop_idle(committed);
    freed += committed;
    release_run(run);
    run = {};
  }
  return freed;
}

}  // namespace mayfly
