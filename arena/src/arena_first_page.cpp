// The whole life of most arenas: a first page of the first class, from what this thread has at hand, and its way back.
// Everything here is also done, for any page, by arena.cpp; apart and in one piece it takes half the instructions. And
// what arenas that are recorded do at nearly every allocation.

#include <mayfly/arena.hpp>

namespace mayfly {

/// Makes a page that is at hand the first of this arena, and hands out its first bytes. Null, with nothing changed,
/// where that cannot be, or is not known to be possible at a glance: take_more() finds out.
[[gnu::always_inline]] inline void* arena::start_first_page(std::size_t bytes, std::size_t alignment) noexcept {
  if constexpr (detail::canaries) return nullptr;
  std::size_t const asked = bytes;
  bytes += static_cast<std::size_t>(bytes == 0);
  std::size_t const page_bytes = pool_->class_bytes(first_class_);
  // Every colour is aligned to colour_step, and no page is smaller than four times the last one.
  if (pages_ != 0 || bytes > page_bytes / 2 || alignment > colour_step || oversize(bytes, alignment)) return nullptr;
  if (!charge(page_bytes)) [[unlikely]]
    return nullptr;  // A7: a smaller page may fit
  std::uint32_t const index = pool_->take_front_page(first_class_);
  if (index == page_pool::no_page) [[unlikely]] {
    refund(page_bytes);
    return nullptr;
  }
  page_descriptor& descriptor = pool_->descriptor(index);
  std::byte* const page = pool_->page_address(index);
  descriptor.owner.store(owner_tag_, std::memory_order_relaxed);  // relaxed: see page_pool::owner_of()
  descriptor.sequence = ++sequence_;
  descriptor.next = 0;
  descriptor.tail_bytes = 0;
  descriptor.start(/*is_coloured=*/true);
  page_bytes_ = page_bytes;
  pages_ = index + 1;
  std::byte* const memory = page + colour_bytes_of(page, page_bytes);
  next_ = memory + rounded(bytes);
  end_ = page + page_bytes;
  detail::hand_out(memory, bytes);
  if (pool_->options().recorder != nullptr) [[unlikely]]
    return start_log(memory, asked, alignment);
  return memory;
}

/// Nearly every allocation of an arena that is recorded: bumped as bump() does, and noted down. Null, with nothing
/// changed, where it is one of the others.
[[gnu::always_inline]] inline void* arena::bump_and_note(std::size_t bytes, std::size_t alignment) noexcept {
  static_assert(allocation_log::least_in_page == least_alignment);
  allocation_log& log = *log_;
  auto room = static_cast<std::size_t>(log.quick_end_ - next_);
  std::byte* memory = next_;
  if (alignment > least_alignment) {
    std::size_t const padding = (0 - reinterpret_cast<std::uintptr_t>(memory)) & (alignment - 1);
    if (padding > room) [[unlikely]]
      return nullptr;
    memory += padding;
    room -= padding;
  }
  if (bytes - 1 >= room) [[unlikely]]  // none, or too many
    return nullptr;
  next_ = end_ = memory + rounded(bytes);
  if (alignment > least_alignment) {
    log.note(bytes, alignment);
  } else {
    log.note(bytes);
  }
  if (memory == nullptr) __builtin_unreachable();  // so that nobody asks again
  return memory;
}

/// After start_first_page() in a pool with a recorder: the same memory once more, noted down.
[[gnu::noinline]] void* arena::start_log(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
  if (block_bytes_ != 0) return memory;  // it began with a block, and got no log for it
  log_ = pool_->options().recorder->begin(owner_tag_, first_class_);
  if (log_ == nullptr) return memory;
  next_ = static_cast<std::byte*>(memory);
  hide_room();
  if (void* const again = bump_and_note(bytes, alignment)) [[likely]]
    return again;
  return try_allocate_recorded(bytes, alignment);
}

void* arena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  site_.set(__builtin_return_address(0));
  if (log_ == nullptr) [[likely]]
    return allocate_first(bytes, alignment);
  if (void* const memory = bump_and_note(bytes, alignment)) [[likely]]
    return memory;
  return allocate_recorded(bytes, alignment);
}

void* arena::allocate_first(std::size_t bytes, std::size_t alignment) {
  if (void* const memory = start_first_page(bytes, alignment)) [[likely]]
    return memory;
  return allocate_more(bytes, alignment);
}

void* arena::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  site_.set(__builtin_return_address(0));
  if (log_ == nullptr) [[likely]]
    return try_allocate_first(bytes, alignment);
  if (void* const memory = bump_and_note(bytes, alignment)) [[likely]]
    return memory;
  return try_allocate_recorded(bytes, alignment);
}

void* arena::try_allocate_first(std::size_t bytes, std::size_t alignment) noexcept {
  if (void* const memory = start_first_page(bytes, alignment)) [[likely]]
    return memory;
  return try_allocate_more(bytes, alignment);
}

void arena::release_all() noexcept {
  if (records_ != nullptr || blocks_ != 0 || pages_ == 0 || detail::canaries) [[unlikely]]
    return release_more();
  page_descriptor const& only = pool_->descriptor(pages_ - 1);
  if (only.next != 0 || !pool_->try_give_front_page(only.page_class, pages_ - 1)) [[unlikely]]
    return release_more();
  refund(page_bytes_);
  page_bytes_ = 0;
  pages_ = 0;
  next_ = nullptr;
  end_ = nullptr;
  sequence_ = 0;
  if (log_ != nullptr) [[unlikely]]
    end_log();
}

}  // namespace mayfly
