#include "residency.hpp"

#include <algorithm>

#include <sys/mman.h>
#include <unistd.h>

namespace mayfly::detail {

residency::residency(std::byte* start, std::size_t bytes) noexcept
    : start_{start}, page_bytes_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))}, pages_{bytes / page_bytes_} {}

std::size_t residency::resident(std::size_t offset, std::size_t bytes) noexcept {
  // Where system pages are larger than ours, one counts where it begins: each once.
  std::size_t page = (offset + page_bytes_ - 1) / page_bytes_;
  std::size_t const end = (offset + bytes + page_bytes_ - 1) / page_bytes_;
  std::size_t found = 0;
  while (page < end) {
    if (page < first_ || page >= first_ + count_) look(page);
    std::size_t const stop = std::min(end, first_ + count_);
    for (; page < stop; ++page) found += flags_[page - first_] & 1U;
  }
  return found * page_bytes_;
}

void residency::look(std::size_t first_page) noexcept {
  first_ = first_page;
  count_ = std::min(window_pages, pages_ - first_page);
  if (::mincore(start_ + first_ * page_bytes_, count_ * page_bytes_, flags_.data()) == 0) return;
  flags_.fill(0);
  known_ = false;
}

}  // namespace mayfly::detail
