#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/detail/poison.hpp>
#include <mayfly/page_budget.hpp>
#include <mayfly/page_pool.hpp>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace mayfly {
namespace {

using detail::index_chain;
using detail::span_space;

constexpr std::uint32_t largest_magazine = 4096;

[[noreturn]] void refuse(std::string const& option, std::string const& value, std::string const& rule) {
  throw std::invalid_argument{"page_pool_options." + option + " is " + value + ": " + rule};
}

page_pool_options checked(page_pool_options options) {
  if (options.reserve_bytes < span_space::smallest_bytes || options.reserve_bytes > span_space::largest_bytes) {
    refuse("reserve_bytes", std::to_string(options.reserve_bytes), "must be 16 MiB to 1 TiB");
  }
  std::size_t below = (std::size_t{4} << 10U) - 1;
  for (std::size_t c = 0; c < page_pool_options::classes; ++c) {
    std::string const at = "[" + std::to_string(c) + "]";
    std::size_t const bytes = options.class_bytes[c];
    if (!std::has_single_bit(bytes) || bytes <= below || bytes > span_space::span_bytes) {
      refuse("class_bytes" + at, std::to_string(bytes),
             "must be a power of two from 4 KiB to 2 MiB, larger than the class before");
    }
    below = bytes;
    if (options.magazine_pages[c] < 1 || options.magazine_pages[c] > largest_magazine) {
      refuse("magazine_pages" + at, std::to_string(options.magazine_pages[c]), "must be 1 to 4096");
    }
  }
  if (options.idle_epochs < 1 || options.idle_epochs > page_pool_options::most_idle_epochs) {
    refuse("idle_epochs", std::to_string(options.idle_epochs), "must be 1 to 64");
  }
  if (options.growth_percent > page_pool_options::most_growth_percent) {
    refuse("growth_percent", std::to_string(options.growth_percent), "must be 0 to 10000");
  }
  std::size_t& largest = options.largest_in_page_bytes;
  std::size_t const page = options.class_bytes.back();
  if (largest != 0 && (largest < page_pool::block_unit_bytes || largest > page / 2)) {
    refuse("largest_in_page_bytes", std::to_string(largest),
           "must be 4 KiB to half the largest page, " + std::to_string(page / 2) + ", or 0 for a quarter of it");
  }
  if (largest == 0) largest = page / 4;
  options.reserve_bytes = options.reserve_bytes / span_space::span_bytes * span_space::span_bytes;
  return options;
}

/// What an arena's pages must hold before its next one is of a class.
std::array<std::size_t, page_pool_options::classes> growth_steps(page_pool_options const& options) {
  std::array<std::size_t, page_pool_options::classes> steps{};
  for (std::size_t c = 1; c < steps.size(); ++c) {
    std::size_t const percent = options.growth_percent;
    steps[c] = percent == 0 ? page_pool_options::unlimited : (100 * options.class_bytes[c] + percent - 1) / percent;
  }
  return steps;
}

std::array<std::uint32_t, detail::recycler::max_classes> magazine_sizes(page_pool_options const& options) {
  return {options.magazine_pages[0], options.magazine_pages[1], options.magazine_pages[2], 1};
}

/// Halves what is asked until the system grants it, and the tables that go with it: RLIMIT_AS and strict overcommit are
/// common in containers.
/// An arena's colours repeat after sixteen pages of the largest size: with this, what a sequence of requests takes does
/// not depend on where the kernel put the reservation.
constexpr std::size_t reservation_alignment = 16 * detail::span_space::span_bytes;

detail::mapping reserve(std::size_t bytes, std::size_t smallest_page) {
  for (; bytes >= span_space::smallest_bytes; bytes /= 2) {
    std::size_t const whole = bytes / span_space::span_bytes * span_space::span_bytes;
    auto addresses = detail::mapping::reserve(whole, reservation_alignment);
    std::size_t const table_bytes = whole / smallest_page * (sizeof(page_descriptor) + sizeof(detail::index_links));
    if (addresses && detail::mapping::zeroed(table_bytes)) return addresses;
  }
  throw allocation_error{refusal::system, 0, 0, span_space::smallest_bytes, errno};
}

}  // namespace

page_pool::page_pool(page_pool_options const& options)
    : options_{checked(options)},
      grows_from_{growth_steps(options_)},
      charge_{checked_max_bytes(options_.max_bytes, options_.class_bytes[0]),
              options_.common_budget == nullptr ? nullptr : &options_.common_budget->bytes_},
      gives_unusually_{options_.fill.has_value() || !options_.recycle},
      unit_shift_{static_cast<std::size_t>(std::countr_zero(options_.class_bytes[0]))},
      spans_{reserve(options_.reserve_bytes, options_.class_bytes[0]), /*reuse_late=*/!options_.recycle},
      descriptors_{spans_.bytes() >> unit_shift_},
      span_words_{spans_.spans()},
      pages_{static_cast<std::uint32_t>(spans_.bytes() >> unit_shift_), classes, magazine_sizes(options_)},
      whole_spans_{spans_.spans(), static_cast<unsigned>(span_shift - unit_shift_)},
      handles_{spans_.start(), spans_.bytes()},
      threads_seen_{detail::recycler::max_threads} {
  if (!spans_.ready() || !descriptors_ || !span_words_ || !pages_.ready() || !whole_spans_.ready() || !threads_seen_) {
    throw allocation_error{refusal::system, 0, 0, spans_.bytes() >> unit_shift_, errno};
  }
  if (options_.huge_pages == huge_page_use::off || options_.huge_pages == huge_page_use::always) {
    span_space::prefer_huge(spans_.start(), spans_.bytes(), options_.huge_pages == huge_page_use::always);
  }
  if (options_.common_budget != nullptr) options_.common_budget->join(*this);
  start_listening();
}

page_pool::~page_pool() {
  stop_listening();
  if (options_.common_budget != nullptr) options_.common_budget->leave(*this);
  assert(stats().pages_in_use() == 0 && "an arena outlives its page pool");
  assert(block_tally_.in_use() == 0 && "an arena outlives its page pool");
  if constexpr (detail::sanitized) {
    // Later mappings may get these addresses; they must not inherit our poison.
    for (std::uint32_t span = 0; span < spans_.spans(); ++span) {
      if (span_words_[span].load(std::memory_order_relaxed) != 0) {
        detail::unpoison(spans_.address_of(span), span_space::span_bytes);
      }
    }
  }
  delete quarantine_.load(std::memory_order_relaxed);  // relaxed: nobody else is here
}

page_span page_pool::take_page_slow(std::size_t c) noexcept {
  std::size_t const bytes = class_bytes(c);
  if (!charge(bytes)) return take_stolen(c, {.reason = refusal::page_cap});
  page_span page = options_.recycle ? take_returned(c) : page_span{};
  if (page.data == nullptr) {
    page = carve(page_carvers_[c], static_cast<std::size_t>(std::countr_zero(bytes)), 0);
    if (page.data != nullptr) descriptors_[page.index].page_class = static_cast<std::uint32_t>(c);
  }
  if (page.data == nullptr && !options_.recycle) {
    if (page_span const old = take_returned(c); old.data != nullptr) page = old;
  }
  if (page.data == nullptr) {
    refund(bytes);
    return take_stolen(c, page);
  }
  from_system_[c].fetch_add(1, std::memory_order_relaxed);  // relaxed: a statistic
  return page;
}

/// The last resort before a refusal: what lies in quarantine, or in another thread's cache.
page_span page_pool::take_stolen(std::size_t c, page_span const& otherwise) noexcept {
  release_quarantine();
  auto index = pages_.take_anywhere(c);
  if (!index) {
    std::scoped_lock const none_in_hand{whole_spans_.in_hand()};
    index = pages_.take_anywhere(c);
  }
  return index ? page_span{page_address(*index), class_bytes(c), *index} : otherwise;
}

page_span page_pool::take_returned(std::size_t c) noexcept {
  index_chain const chain = returned_[c].pop(pages_.links());
  if (chain.empty()) return {};
  returned_[c].push(pages_.links(), chain.tail(pages_.links()));
  page_span const page{page_address(chain.head()), class_bytes(c), chain.head()};
  if (!options_.recycle && !detail::sanitized && !commit(page.data, page.bytes)) {
    int const error_number = errno;
    returned_[c].push(pages_.links(), index_chain{chain.head(), 1});
    return {.reason = refusal::system, .error_number = error_number};
  }
  whole_spans_.count_taken(chain.head());
  return page;
}

/// Makes bytes usable; false with errno where the system refuses, also after the quarantine's mappings have gone for
/// it.
bool page_pool::commit(std::byte* start, std::size_t bytes) noexcept {
  return span_space::commit(start, bytes) || (release_quarantine() != 0 && span_space::commit(start, bytes));
}

/// The next piece of 2^piece_shift bytes that was never handed out. Cached blocks give up their spans for it.
page_span page_pool::carve(carver& from, std::size_t piece_shift, std::uint64_t flags) noexcept {
  page_span const piece = try_carve(from, piece_shift, flags);
  if (piece.reason != refusal::address_space || release_idle_blocks() == 0) return piece;
  return try_carve(from, piece_shift, flags);
}

page_span page_pool::try_carve(carver& from, std::size_t piece_shift, std::uint64_t flags) noexcept {
  std::scoped_lock const lock{carve_mutex_};
  if (from.next == from.end) {
    auto const span = spans_.take_run(1, span_space::span_bytes);
    if (!span) return {.reason = refusal::address_space};
    if (!commit(spans_.address_of(*span), span_space::span_bytes)) {
      int const error_number = errno;
      spans_.give_run(*span, 1);
      return {.reason = refusal::system, .error_number = error_number};
    }
    detail::poison(spans_.address_of(*span), span_space::span_bytes);
    set_span_words(*span, 1, flags | piece_shift);
    from = {.span = *span, .next = 0, .end = 1U << (span_shift - piece_shift), .made = from.made};
  }
  std::uint32_t const index =
      first_index_of(from.span) + (from.next << static_cast<std::uint32_t>(piece_shift - unit_shift_));
  ++from.next;
  ++from.made;
  if (from.next == from.end && options_.huge_pages == huge_page_use::advise) {
    span_space::prefer_huge(spans_.address_of(from.span), span_space::span_bytes, true);
  }
  return {page_address(index), std::size_t{1} << piece_shift, index};
}

void page_pool::set_span_words(std::uint32_t first, std::uint32_t spans, std::uint64_t low_bits) noexcept {
  std::uint64_t const word = low_bits == 0 ? 0 : std::uint64_t{spans} << 40U | std::uint64_t{first} << 8U | low_bits;
  for (std::uint32_t span = first; span < first + spans; ++span) {
    // sync span-word: release; pairs with owner_of(); whoever sees the cut may read the pieces' descriptors
    span_words_[span].store(word, std::memory_order_release);
  }
}

bool page_pool::keep_or_return(std::size_t c, index_chain chain) noexcept {
  std::size_t const kept_bytes = (std::size_t{pages_.depot_items(c)} + chain.count()) * class_bytes(c);
  bool const keeps = kept_bytes <= options_.idle_cap_bytes && !over_limit();
  if (keeps) {
    pages_.push(c, chain);
  } else {
    return_pages(c, chain);
  }
  return keeps;
}

bool page_pool::give_back(std::byte* start, std::size_t bytes) const noexcept {
  return options_.return_by == memory_return::free ? span_space::offer(start, bytes)
                                                   : span_space::discard(start, bytes);
}

/// Gives the pages' memory back to the system; returns how much. What the system will not take stays, in the depot.
std::size_t page_pool::return_pages(std::size_t c, index_chain chain) noexcept {
  index_chain returned;
  while (!chain.empty() && give_back(page_address(chain.head()), class_bytes(c))) {
    std::uint32_t const index = chain.head();
    whole_spans_.count_returned(index);
    chain = chain.tail(pages_.links());
    returned = returned.with(pages_.links(), index);
  }
  std::size_t const bytes = returned.count() * class_bytes(c);
  refund(bytes);
  returned_[c].push(pages_.links(), returned);
  pages_.push(c, chain);
  return bytes;
}

void page_pool::on_thread_exit(detail::thread_index ending) noexcept {
  for (std::size_t c = 0; c < classes; ++c) {
    for (auto chain = pages_.drain(ending, c); !chain.empty(); chain = pages_.drain(ending, c)) {
      keep_or_return(c, chain);
    }
  }
}

void page_pool::give_unusually(std::size_t c, std::uint32_t index) noexcept {
  fill(page_address(index), class_bytes(c));
  options_.recycle ? recycle(c, index) : retire(c, index);
}

/// Overwrites what is given back, where the options say so.
void page_pool::fill(std::byte* start, std::size_t bytes) const noexcept {
  if (!options_.fill) return;
  detail::unpoison(start, bytes);
  std::memset(start, std::to_integer<int>(*options_.fill), bytes);
  detail::poison(start, bytes);
}

void page_pool::retire(std::size_t c, std::uint32_t index) noexcept {
  // Under ASan the poison reports better than a fault would.
  if constexpr (detail::sanitized) {
    span_space::discard(page_address(index), class_bytes(c));
  } else {
    span_space::protect(page_address(index), class_bytes(c));
  }
  refund(class_bytes(c));
  whole_spans_.count_returned(index);
  returned_[c].push(pages_.links(), index_chain{index, 1});
}

/// The page or block that the address lies in; no_index where none does.
std::uint32_t page_pool::index_at(void const* address) const noexcept {
  if (!contains(address)) return no_index;
  auto const offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(spans_.start());
  // sync span-word: acquire; pairs with set_span_words()
  std::uint64_t const word = span_words_[offset >> span_shift].load(std::memory_order_acquire);
  if (word == 0) return no_index;
  std::uint64_t const shift = shift_of(word);
  return shift == run_shift ? first_index_of(first_of(word))
                            : static_cast<std::uint32_t>(offset >> shift << (shift - unit_shift_));
}

std::uint64_t page_pool::owner_of(void const* address) const noexcept {
  std::uint32_t const index = index_at(address);
  // Relaxed: the caller either owns the address, or learns no more than a hint that may be old already.
  return index == no_index ? 0 : descriptors_[index].owner.load(std::memory_order_relaxed);
}

detail::handle_bits page_pool::make_handle(void const* address, void* owner, std::uint64_t owner_tag) noexcept {
  std::uint32_t const index = index_at(address);
  if (index == no_index) return 0;
  page_descriptor& memory = descriptors_[index];
  if (memory.owner.load(std::memory_order_relaxed) != owner_tag) return 0;  // relaxed: as in owner_of()
  auto const offset = static_cast<std::size_t>(static_cast<std::byte const*>(address) - spans_.start());
  detail::handle_bits const made = handles_.make(offset, owner, owner_tag);
  if (made != 0 && !memory.armed()) memory.arm();
  return made;
}

/// The memory goes back, and handles have been made.
void page_pool::retire_handles(std::uint32_t index, std::size_t bytes) noexcept {
  handles_.retire(std::size_t{index} << unit_shift_, bytes);
  descriptors_[index].disarm();
}

allocation_error page_pool::error(page_span const& refused, std::size_t asked) const noexcept {
  if (refused.reason != refusal::page_cap) {
    return {refused.reason, reserved_bytes(), committed_bytes(), asked, refused.error_number};
  }
  page_budget const* const common = options_.common_budget;
  std::size_t const own = max_bytes();
  bool const own_has_room = committed_bytes() <= own && own - committed_bytes() >= asked;
  if (common != nullptr && own_has_room) return {refused.reason, common->limit(), common->used(), asked, 0};
  return {refused.reason, own, committed_bytes(), asked, 0};
}

page_pool_stats page_pool::stats() const noexcept {
  // Relaxed throughout: statistics.
  page_pool_stats result;
  {
    std::scoped_lock const lock{carve_mutex_};
    for (std::size_t c = 0; c < classes; ++c) result.classes[c].made = page_carvers_[c].made;
  }
  detail::page_quarantine const* const quarantined = quarantine();
  if (quarantined != nullptr) result.quarantine = quarantined->stats();
  for (std::size_t c = 0; c < classes; ++c) {
    page_class_stats& stats = result.classes[c];
    stats.page_bytes = class_bytes(c);
    stats.in_magazines = pages_.cached_items(c);
    stats.in_depot = pages_.depot_items(c);
    stats.returned = returned_[c].items();
    stats.in_quarantine = quarantined == nullptr ? 0 : quarantined->pages(c);
    std::uint64_t const idle = stats.in_magazines + stats.in_depot + stats.in_quarantine + stats.returned;
    stats.in_use = stats.made > idle ? stats.made - idle : 0;
    stats.from_magazine = pages_.taken_cached(c);
    stats.from_depot = pages_.refills(c);
    stats.from_system = from_system_[c].load(std::memory_order_relaxed);
  }
  result.reserved_bytes = reserved_bytes();
  result.committed_bytes = committed_bytes();
  result.peak_committed_bytes = charge_.peak();
  result.blocks_in_use = block_tally_.in_use();
  result.idle_block_bytes = block_tally_.idle_bytes();
  result.blocks_from_cache = pages_.taken_cached(cached_blocks) + pages_.refills(cached_blocks);
  result.blocks_from_system = blocks_from_system_.load(std::memory_order_relaxed);
  return result;
}

}  // namespace mayfly
