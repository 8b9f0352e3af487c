// What an arena holds, and where it stands.

#include <mayfly/arena.hpp>

#include <algorithm>

namespace mayfly {

arena_usage& arena_usage::operator+=(arena_usage const& more) noexcept {
  handed_out_bytes += more.handed_out_bytes;
  reserved_bytes += more.reserved_bytes;
  tail_waste_bytes += more.tail_waste_bytes;
  room_bytes += more.room_bytes;
  skipped_bytes += more.skipped_bytes;
  oversize_bytes += more.oversize_bytes;
  oversize_blocks += more.oversize_blocks;
  oversize_slack_bytes += more.oversize_slack_bytes;
  for (std::size_t c = 0; c < pages.size(); ++c) pages[c] += more.pages[c];
  return *this;
}

arena_usage arena::usage() const noexcept {
  arena_usage result;
  for (std::uint32_t page = pages_; page != 0; page = pool_->descriptor(page - 1).next) {
    page_descriptor const& descriptor = pool_->descriptor(page - 1);
    ++result.pages[descriptor.page_class];
    if (page != pages_) result.tail_waste_bytes += descriptor.tail_bytes;
    if (descriptor.coloured()) {
      result.skipped_bytes += colour_bytes_of(pool_->page_address(page - 1), pool_->class_bytes(descriptor.page_class));
    }
  }
  for (std::uint32_t block = blocks_; block != 0; block = pool_->descriptor(block - 1).next) {
    ++result.oversize_blocks;
    result.oversize_slack_bytes += pool_->descriptor(block - 1).unasked_bytes();
  }
  result.reserved_bytes = reserved_bytes();
  result.room_bytes = room_bytes();
  result.oversize_bytes = block_bytes_;
  result.handed_out_bytes = result.reserved_bytes - result.tail_waste_bytes - result.room_bytes - result.skipped_bytes -
                            result.oversize_slack_bytes;
  return result;
}

void* arena::last_of(std::size_t bytes) const noexcept {
  if (pages_ == 0) return nullptr;
  std::byte* const page = pool_->page_address(pages_ - 1);
  page_descriptor const& current = pool_->descriptor(pages_ - 1);
  std::size_t const skipped = current.coloured() ? colour_bytes_of(page, pool_->class_bytes(current.page_class)) : 0;
  auto const bumped = static_cast<std::size_t>(next_ - page) - skipped;
  bytes = std::max(bytes, std::size_t{1});
  return bytes <= bumped && rounded(bytes) <= bumped ? next_ - rounded(bytes) : nullptr;
}

arena::marker arena::mark() const noexcept {
  marker point;
  point.next = next_;
  point.records = records_;
  point.record_count = records_ == nullptr ? 0 : records_->count;
  point.page = pages_;
  point.sequence = sequence_;
  point.number = log_ == nullptr ? 0 : log_mark();
  return point;
}

}  // namespace mayfly
