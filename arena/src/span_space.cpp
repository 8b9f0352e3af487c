#include <mayfly/detail/span_space.hpp>

#include <algorithm>
#include <utility>

#include <sys/mman.h>

namespace mayfly::detail {

span_space::span_space(mapping addresses, bool reuse_late) noexcept
    : addresses_{std::move(addresses)},
      reuse_late_{reuse_late},
      taken_{addresses_.bytes() / span_bytes / bits_per_word + 1} {}

std::optional<std::uint32_t> span_space::take_run(std::uint32_t count, std::size_t alignment) noexcept {
  std::scoped_lock const lock{mutex_};
  auto first = find_run(reuse_late_ ? behind_last_ : lowest_free_, count, alignment);
  if (!first && reuse_late_) first = find_run(lowest_free_, count, alignment);
  if (first) {
    mark(*first, count, true);
    behind_last_ = *first + count;
    behind_highest_ = std::max(behind_highest_, behind_last_);
  }
  return first;
}

std::optional<std::uint32_t> span_space::find_run(std::uint32_t from, std::uint32_t count,
                                                  std::size_t alignment) const noexcept {
  std::uint32_t length = 0;
  for (std::uint32_t span = from; span < spans(); ++span) {
    bool const starts_badly = length == 0 && reinterpret_cast<std::uintptr_t>(address_of(span)) % alignment != 0;
    length = taken(span) || starts_badly ? 0 : length + 1;
    if (length == count) return span + 1 - count;
  }
  return std::nullopt;
}

void span_space::give_run(std::uint32_t first, std::uint32_t count) noexcept {
  std::scoped_lock const lock{mutex_};
  mark(first, count, false);
}

std::uint32_t span_space::behind_highest() const noexcept {
  std::scoped_lock const lock{mutex_};
  return behind_highest_;
}

void span_space::mark(std::uint32_t first, std::uint32_t count, bool take) noexcept {
  for (std::uint32_t span = first; span < first + count; ++span) {
    std::uint64_t const bit = std::uint64_t{1} << (span % bits_per_word);
    std::uint64_t& word = taken_[span / bits_per_word];
    word = take ? word | bit : word & ~bit;
  }
  if (!take && first < lowest_free_) lowest_free_ = first;
  while (lowest_free_ < spans() && taken(lowest_free_)) ++lowest_free_;
}

bool span_space::commit(std::byte* start, std::size_t bytes) noexcept {
  return ::mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool span_space::shut(std::byte* start, std::size_t bytes) noexcept { return ::mprotect(start, bytes, PROT_NONE) == 0; }

bool span_space::discard(std::byte* start, std::size_t bytes) noexcept {
  if (::madvise(start, bytes, MADV_DONTNEED) == 0) return true;
#ifdef MADV_DONTNEED_LOCKED
  // Where the program has locked its memory (mlockall), the first is refused. Linux 5.18.
  return ::madvise(start, bytes, MADV_DONTNEED_LOCKED) == 0;
#else
  return false;
#endif
}

bool span_space::offer(std::byte* start, std::size_t bytes) noexcept {
  return ::madvise(start, bytes, MADV_FREE) == 0 || discard(start, bytes);
}

void span_space::prefer_huge(std::byte* start, std::size_t bytes, bool huge) noexcept {
  static_cast<void>(::madvise(start, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
}

bool span_space::protect(std::byte* start, std::size_t bytes) noexcept {
  bool const discarded = discard(start, bytes);
  return ::mprotect(start, bytes, PROT_NONE) == 0 && discarded;
}

}  // namespace mayfly::detail
