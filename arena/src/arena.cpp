#include <mayfly/arena.hpp>
#include <mayfly/detail/closed_arena.hpp>
#include <mayfly/detail/page_quarantine.hpp>

#include <algorithm>
#include <cstddef>

namespace mayfly {
namespace {

/// Leaves room for rounding below what the pool would refuse anyway.
constexpr std::size_t largest_allocation = page_pool::largest_block_bytes - 2 * page_pool::block_unit_bytes;

std::byte* aligned(std::byte* start, std::size_t alignment) noexcept {
  return start + ((0 - reinterpret_cast<std::uintptr_t>(start)) & (alignment - 1));
}

std::size_t in_block_units(std::size_t bytes) noexcept {
  constexpr std::size_t unit = page_pool::block_unit_bytes;
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

// ---- owning

arena::arena(arena&& other) noexcept
    : pool_{other.pool_}, budget_{other.budget_}, owner_tag_{other.owner_tag_}, first_class_{other.first_class_} {
  take_over(other);
}

arena& arena::operator=(arena&& other) noexcept {
  if (this == &other) return *this;
  reset();
  pool_ = other.pool_;
  budget_ = other.budget_;
  owner_tag_ = other.owner_tag_;
  first_class_ = other.first_class_;
  take_over(other);
  return *this;
}

void arena::take_over(arena& other) noexcept {
  static_assert(offsetof(arena, next_) == 0 && offsetof(arena, end_) == sizeof(void*),
                "what an allocation reads and writes is side by side");
  next_ = std::exchange(other.next_, nullptr);
  end_ = std::exchange(other.end_, nullptr);
  records_ = std::exchange(other.records_, nullptr);
  pages_ = std::exchange(other.pages_, 0);
  blocks_ = std::exchange(other.blocks_, 0);
  page_bytes_ = std::exchange(other.page_bytes_, 0);
  block_bytes_ = std::exchange(other.block_bytes_, 0);
  sequence_ = std::exchange(other.sequence_, 0);
  log_ = std::exchange(other.log_, nullptr);
}

void arena::restart(arena_options const& options) noexcept {
  assert(options.first_class < page_pool::classes);
  reset();
  budget_ = options.budget;
  owner_tag_ = options.owner_tag;
  first_class_ = static_cast<std::uint32_t>(options.first_class);
}

// ---- more memory

void* arena::allocate_more(std::size_t bytes, std::size_t alignment) {
  page_span refused;
  if (void* const memory = take_more(bytes, alignment, refused)) [[likely]]
    return memory;
  if (budget_ == &detail::closed_budget) detail::tell_of_closed(*this, bytes, true);
  if (refused.reason == refusal::byte_budget) {
    throw allocation_error{refused.reason, budget_->limit(), budget_->used(), refused.bytes};
  }
  if (refused.reason == refusal::too_large) throw allocation_error{refused.reason, largest_allocation, 0, bytes};
  throw pool_->error(refused, bytes);
}

void* arena::try_allocate_more(std::size_t bytes, std::size_t alignment) noexcept {
  page_span refused;
  void* const memory = take_more(bytes, alignment, refused);
  if (memory == nullptr && budget_ == &detail::closed_budget) detail::tell_of_closed(*this, bytes, false);
  return memory;
}

/// Memory from a new page or block; null when refused, and then `refused` says why.
void* arena::take_more(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept {
  if (pool_->options().recorder != nullptr) [[unlikely]]
    return take_recorded(bytes, alignment, refused);
  return take_new(bytes, alignment, refused);
}

void* arena::take_new(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept {
  bytes = std::max(bytes, std::size_t{1});
  if (bytes > largest_allocation || alignment > largest_allocation) [[unlikely]] {
    refused.reason = refusal::too_large;
    return nullptr;
  }
  return oversize(bytes, alignment) ? take_block(bytes, alignment, refused) : take_from_page(bytes, alignment, refused);
}

void* arena::take_block(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept {
  std::size_t const charged = in_block_units(bytes + detail::redzone_bytes);
  if (!charge(charged)) {
    refused = {.bytes = charged, .reason = refusal::byte_budget};
    return nullptr;
  }
  // What is at hand goes by its index, as pages do: without, a block took half as long again.
  std::uint32_t index = pool_->take_cached_block(charged, alignment);
  if (index == page_pool::no_page) {
    page_span const block = pool_->take_block(charged, alignment);
    if (block.data == nullptr) {
      refund(charged);
      refused = block;
      return nullptr;
    }
    index = block.index;
  }
  std::byte* const block = pool_->page_address(index);
  page_descriptor& descriptor = pool_->descriptor(index);
  descriptor.owner.store(owner_tag_, std::memory_order_relaxed);  // relaxed: see page_pool::owner_of()
  descriptor.start_block(++sequence_, charged - bytes);
  descriptor.previous = 0;
  descriptor.next = blocks_;
  if (blocks_ != 0) pool_->descriptor(blocks_ - 1).previous = index + 1;
  blocks_ = index + 1;
  block_bytes_ += charged;
  detail::hand_out(block, bytes);
  if constexpr (detail::canaries) detail::lay_canary(block, bytes, block + charged, charged, site_.get());
  return block;
}

/// From a new page. Classes grow with the arena (growth_percent), and where the budget or the pool refuses that class,
/// any smaller one that fits is taken.
void* arena::take_from_page(std::size_t bytes, std::size_t alignment, page_span& refused) noexcept {
  std::size_t needed = rounded(bytes) + (alignment > least_alignment ? alignment - least_alignment : 0);
  std::size_t c = first_class_;
  if (pages_ == 0) {
    needed += (colours - 1) * colour_step;
  } else {
    c = page_pool::classes - 1;
    while (c > 0 && pool_->grows_from(c) > page_bytes_) --c;
  }
  std::size_t least = 0;
  while (pool_->class_bytes(least) < needed) ++least;
  for (c = std::max(c, least) + 1; c-- > least;) {
    if (std::uint32_t const index = take_page(c, refused); index != page_pool::no_page) [[likely]] {
      return start_page(c, index, bytes, alignment);
    }
  }
  return nullptr;
}

/// A charged page, by its index. What is at hand goes by its index alone: a page_span would travel through memory.
std::uint32_t arena::take_page(std::size_t c, page_span& refused) noexcept {
  std::size_t const bytes = pool_->class_bytes(c);
  if (!charge(bytes)) [[unlikely]] {
    refused = {.bytes = bytes, .reason = refusal::byte_budget};
    return page_pool::no_page;
  }
  if (std::uint32_t const index = pool_->take_cached_page(c); index != page_pool::no_page) [[likely]]
    return index;
  page_span const page = pool_->take_page(c);
  if (page.data != nullptr) return page.index;
  refund(bytes);
  refused = page;
  return page_pool::no_page;
}

/// Makes the page one of ours and hands out its first bytes. Whichever of it and the current page has more room left is
/// bumped from now on.
void* arena::start_page(std::size_t c, std::uint32_t index, std::size_t bytes, std::size_t alignment) noexcept {
  page_descriptor& descriptor = pool_->descriptor(index);
  std::byte* const page = pool_->page_address(index);
  std::size_t const page_bytes = pool_->class_bytes(c);
  descriptor.owner.store(owner_tag_, std::memory_order_relaxed);  // relaxed: see page_pool::owner_of()
  descriptor.sequence = ++sequence_;
  descriptor.tail_bytes = 0;
  descriptor.start(/*is_coloured=*/pages_ == 0);
  page_bytes_ += page_bytes;
  std::byte* const first = page + (pages_ == 0 ? colour_bytes_of(page, page_bytes) : 0);
  std::byte* const memory = aligned(first, alignment);
  std::byte* const after = memory + rounded(bytes);
  std::byte* const end = page + page_bytes;
  detail::hand_out(memory, bytes);
  if constexpr (detail::canaries) {
    detail::lay_canary(memory, bytes, after, static_cast<std::size_t>(after - first), site_.get());
  }
  if (pages_ != 0) {
    page_descriptor& current = pool_->descriptor(pages_ - 1);
    if (end_ - next_ > end - after) {
      descriptor.tail_bytes = static_cast<std::uint32_t>(end - after);
      descriptor.next = current.next;
      current.next = index + 1;
      return memory;
    }
    current.tail_bytes = static_cast<std::uint32_t>(end_ - next_);
  }
  descriptor.next = pages_;
  pages_ = index + 1;
  next_ = after;
  end_ = end;
  return memory;
}

// ---- giving back early, growing in place

/// Whether the allocation is the one made last in the current page. Its end alone does not tell: the page before may
/// end where an empty current page starts.
bool arena::in_current_page(void const* memory, std::size_t bytes) const noexcept {
  if (pages_ == 0) return false;
  auto const* const start = static_cast<std::byte const*>(memory);
  return start + rounded(bytes) == next_ && start >= pool_->page_address(pages_ - 1);
}

void arena::deallocate(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
  if (log_ != nullptr) [[unlikely]]
    return deallocate_recorded(memory, bytes, alignment);
  deallocate_now(memory, bytes, alignment);
}

void arena::deallocate_now(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
  bytes = std::max(bytes, std::size_t{1});
  if (oversize(bytes, alignment)) {
    std::uint32_t const index = pool_->block_at(memory);
    if (index != page_pool::block_npos) {
      if constexpr (detail::canaries) check_canary_of_block(index);
      return give_block(*pool_, index);
    }
  }
  detail::poison(memory, bytes);
  if constexpr (detail::canaries) {
    std::uint32_t const shrunk =
        pool_->block_at(memory);  // below what a block is taken for: its canary lies at its end
    if (shrunk != page_pool::block_npos) return check_canary_of_block(shrunk);
    if (!check_canary_behind(memory, bytes)) return;
  }
  if (!in_current_page(memory, bytes)) return;
  // With canaries, back to the end of the one before: no gap may lie between them.
  next_ = detail::canaries ? next_ - detail::canary_before(next_).back : static_cast<std::byte*>(memory);
}

bool arena::try_extend(void* memory, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  if (log_ != nullptr) [[unlikely]]
    return try_extend_recorded(memory, old_bytes, new_bytes);
  return extend_now(memory, old_bytes, new_bytes);
}

bool arena::extend_now(void* memory, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  old_bytes = std::max(old_bytes, std::size_t{1});
  new_bytes = std::max(new_bytes, std::size_t{1});
  auto* const start = static_cast<std::byte*>(memory);
  std::size_t room = 0;
  page_descriptor* block = nullptr;
  if (in_current_page(memory, old_bytes)) {
    room = static_cast<std::size_t>(end_ - start);
  } else if (std::uint32_t const index = pool_->block_at(memory); index != page_pool::block_npos) {
    block = &pool_->descriptor(index);
    room = block->block_bytes();
  }
  if (room < detail::redzone_bytes || new_bytes > room - detail::redzone_bytes) return false;
  if constexpr (detail::canaries) move_canary(start, old_bytes, new_bytes);
  if (block == nullptr) {
    next_ = start + rounded(new_bytes);
  } else {
    block->ask_for(new_bytes);
  }
  // Only what changes hands: another thread may be reading the rest.
  if (new_bytes < old_bytes) detail::poison(start + new_bytes, old_bytes - new_bytes);
  detail::hand_out(start, new_bytes);
  return true;
}

// ---- destructors

void arena::record(void* object, destructor destroy) {
  if (records_ == nullptr || records_->count == records_->capacity) add_chunk();
  ::new (records_->records() + records_->count) destructor_record{object, destroy};
  ++records_->count;
}

void arena::add_chunk() {
  std::uint32_t const capacity =
      records_ == nullptr ? first_chunk_records : std::min(2 * records_->capacity + 1, largest_chunk_records);
  void* const memory = allocate(sizeof(record_chunk) + capacity * sizeof(destructor_record), alignof(record_chunk));
  records_ = ::new (memory) record_chunk{.older = records_, .count = 0, .capacity = capacity};
}

void arena::run_destructors() noexcept { run_destructors_until(nullptr, 0); }

/// Last made first; what a destructor makes meanwhile is ended before the rest.
void arena::run_destructors_until(record_chunk const* chunk, std::uint32_t count) noexcept {
  while (records_ != nullptr && (records_ != chunk || records_->count > count)) {
    if (records_->count == 0) {
      records_ = records_->older;
      continue;
    }
    destructor_record const last = records_->records()[--records_->count];
    last.destroy(last.object);
  }
}

// ---- the end

void arena::rewind(marker const& point) noexcept {
  run_destructors_until(point.records, point.record_count);  // A5
  check_canaries();
  give_blocks_after(point.sequence);
  give_pages_after(point.sequence);
  assert(pages_ == point.page && "the mark is from another arena, or from before a reset");
  next_ = point.next;
  end_ = nullptr;
  if (pages_ != 0) {
    page_descriptor& current = pool_->descriptor(pages_ - 1);
    current.tail_bytes = 0;
    end_ = pool_->page_address(pages_ - 1) + pool_->class_bytes(current.page_class);
    detail::poison(next_, static_cast<std::size_t>(end_ - next_));
  }
  if (log_ != nullptr) log_rewind(point.number);
}

void arena::release_more() noexcept {
  if (records_ != nullptr) run_destructors_until(nullptr, 0);  // A5
  check_canaries();
  give_all(*pool_);
}

void arena::reset_into(detail::quarantine_admission& quarantine) noexcept {
  assert(!has_destructors() && "they would run under the quarantine's lock");
  records_ = nullptr;
  check_canaries();
  if constexpr (detail::canaries) {
    // Whoever looks for an allocation later has to know where the last one ends.
    if (pages_ != 0) pool_->descriptor(pages_ - 1).tail_bytes = static_cast<std::uint32_t>(room_bytes());
  }
  give_all(quarantine);
}

/// All pages and blocks to the pool, or its quarantine.
template <typename Taker>
void arena::give_all(Taker& taker) noexcept {
  while (blocks_ != 0) give_block(taker, blocks_ - 1);
  for (std::uint32_t page = std::exchange(pages_, 0); page != 0;) {
    std::uint32_t const index = page - 1;
    page_descriptor const& descriptor = pool_->descriptor(index);
    page = descriptor.next;
    taker.give_page(descriptor.page_class, index);
  }
  if (page_bytes_ != 0) refund(std::exchange(page_bytes_, 0));
  next_ = nullptr;
  end_ = nullptr;
  sequence_ = 0;
  if (log_ != nullptr) end_log();
}

/// The list has newer pages before older ones, but for a current page that went before those behind it (A6). So the
/// walk may end at the second page that stays: rewinding costs what was taken since, not what is held.
void arena::give_pages_after(std::uint64_t sequence) noexcept {
  std::size_t freed = 0;
  bool first_stays = true;
  std::uint32_t* link = &pages_;
  while (*link != 0) {
    std::uint32_t const index = *link - 1;
    page_descriptor& descriptor = pool_->descriptor(index);
    if (descriptor.sequence <= sequence) {
      if (!std::exchange(first_stays, false)) break;
      link = &descriptor.next;
      continue;
    }
    *link = descriptor.next;
    std::size_t const c = descriptor.page_class;
    freed += pool_->class_bytes(c);
    pool_->give_page(c, index);
  }
  page_bytes_ -= freed;
  if (freed != 0) refund(freed);
}

void arena::give_blocks_after(std::uint64_t sequence) noexcept {
  // Newest first, so the walk ends at the first that is old enough.
  while (blocks_ != 0 && pool_->descriptor(blocks_ - 1).block_number() > sequence) give_block(*pool_, blocks_ - 1);
}

template <typename Taker>
void arena::give_block(Taker& taker, std::uint32_t index) noexcept {
  page_descriptor const& descriptor = pool_->descriptor(index);
  std::size_t const bytes = descriptor.block_bytes();
  if (descriptor.next != 0) pool_->descriptor(descriptor.next - 1).previous = descriptor.previous;
  if (descriptor.previous != 0) {
    pool_->descriptor(descriptor.previous - 1).next = descriptor.next;
  } else {
    blocks_ = descriptor.next;
  }
  block_bytes_ -= bytes;
  taker.give_block(index);
  refund(bytes);
}

}  // namespace mayfly
