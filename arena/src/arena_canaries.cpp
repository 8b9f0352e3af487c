// What an arena does with canaries: nothing of this is called but in builds with MAYFLY_CANARIES.

#include <mayfly/arena.hpp>
#include <mayfly/detail/canary.hpp>

namespace mayfly {

using detail::canary_place;

void arena::check_all_canaries() noexcept {
  for (std::uint32_t block = blocks_; block != 0; block = pool_->descriptor(block - 1).next) {
    check_canary_of_block(block - 1);
  }
  for (std::uint32_t page = pages_; page != 0; page = pool_->descriptor(page - 1).next)
    check_canaries_of_page(page - 1);
}

void arena::check_canary_of_block(std::uint32_t index) noexcept {
  std::byte* const data = pool_->page_address(index);
  check_canary(data + pool_->descriptor(index).block_bytes(), data, canary_place::in_block);
}

/// Newest first: each canary says where the one before it ends.
void arena::check_canaries_of_page(std::uint32_t index) noexcept {
  page_descriptor const& descriptor = pool_->descriptor(index);
  std::byte* const page = pool_->page_address(index);
  std::size_t const page_bytes = pool_->class_bytes(descriptor.page_class);
  std::byte* const first = page + (descriptor.coloured() ? colour_bytes_of(page, page_bytes) : 0);
  std::byte* end = index + 1 == pages_ ? next_ : page + page_bytes - descriptor.tail_bytes;
  while (end > first && check_canary(end, first, canary_place::in_page)) end -= detail::canary_before(end).back;
}

bool arena::check_canary_behind(void const* memory, std::size_t bytes) noexcept {
  auto const* const start = static_cast<std::byte const*>(memory);
  return check_canary(const_cast<std::byte*>(start) + rounded(bytes), pool_->page_address(0), canary_place::in_page);
}

/// false: it is lost, and with it where the one before it is.
bool arena::check_canary(std::byte* end, std::byte const* first, canary_place where) noexcept {
  auto damage = detail::damage_before(end, first, where);
  if (!damage) return true;
  damage->owner_tag = owner_tag_;
  detail::report(*damage);
  return detail::mend_canary(end, first, where);
}

/// The allocation has another size from now on, in place.
void arena::move_canary(std::byte* memory, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  if (in_current_page(memory, old_bytes)) {
    if (!check_canary_behind(memory, old_bytes)) return;
    detail::canary const old = detail::canary_before(next_);
    std::size_t const back = old.back - rounded(old_bytes) + rounded(new_bytes);
    return detail::lay_canary(memory, new_bytes, memory + rounded(new_bytes), back, old.site);
  }
  std::uint32_t const index = pool_->block_at(memory);
  check_canary_of_block(index);
  std::size_t const bytes = pool_->descriptor(index).block_bytes();
  detail::lay_canary(memory, new_bytes, memory + bytes, bytes, detail::canary_before(memory + bytes).site);
}

}  // namespace mayfly
