#include "safe_memory.hpp"

#include <mayfly/detail/poison.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

namespace mayfly::detail {
namespace {

/// Where process_vm_readv is forbidden (seccomp): the same through a file.
std::size_t read_memory_file(std::uintptr_t from, void* into, std::size_t bytes) noexcept {
  int const file = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t const got = ::pread(file, into, bytes, static_cast<off_t>(from));
  ::close(file);
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

/// Asking for the residency of memory that has none costs a thousandth of searching it.
constexpr std::size_t sparse_share = 4096;

}  // namespace

std::size_t read_memory(std::uintptr_t from, void* into, std::size_t bytes) noexcept {
  iovec const here{.iov_base = into, .iov_len = bytes};
  iovec const there{.iov_base = pointer_to(from), .iov_len = bytes};
  ssize_t const got = ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0);
  if (got >= 0) return static_cast<std::size_t>(got);
  return errno == EPERM || errno == ENOSYS ? read_memory_file(from, into, bytes) : 0;
}

bool is_gone(std::uintptr_t address) noexcept {
  unsigned char resident = 0;
  std::size_t const page = system_page_bytes();
  if (::mincore(pointer_to(address / page * page), page, &resident) != 0) return errno == ENOMEM;
  return (resident & 1U) == 0;
}

std::size_t system_page_bytes() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

std::size_t look_up_residency(memory_range range, residency_flags& flags) noexcept {
  std::size_t const page = system_page_bytes();
  std::size_t const pages = std::min(flags.size(), (range.bytes + page - 1) / page);
  // A hole in the range: each page is tried, and those that are gone do not let themselves be read.
  if (::mincore(pointer_to(range.first), pages * page, flags.data()) != 0) {
    std::fill_n(flags.begin(), pages, static_cast<unsigned char>(1));
  }
  return pages;
}

memory_search::memory_search(workplace& in, page_pool const& pool, std::uint64_t owner_tag,
                             std::size_t most_bytes) noexcept
    : work_{in},
      pool_{pool},
      owner_tag_{owner_tag},
      most_bytes_{most_bytes},
      reservation_{reinterpret_cast<std::uintptr_t>(pool.page_address(0)), pool.reserved_bytes()} {}

void memory_search::exempt(memory_range range) noexcept {
  if (exempt_count_ < exempt_.size()) exempt_[exempt_count_++] = range;
}

bool memory_search::spent() noexcept {
  bool const none_left = searched_bytes_ + charged_bytes_ >= most_bytes_;
  if (none_left) complete_ = false;
  return none_left;
}

std::span<found_word const> memory_search::search(memory_range range) noexcept {
  found_count_ = 0;
  charge(range.bytes / sparse_share);
  for_each_resident(range, work_.residency, [this](memory_range run) {
    search_run(run);
    return !spent();
  });
  return {work_.found.data(), found_count_};
}

void memory_search::search_run(memory_range run) noexcept {
  constexpr std::size_t word = sizeof(std::uint64_t);
  std::size_t const page = system_page_bytes();
  std::uintptr_t from = (run.first + word - 1) / word * word;
  while (from + word <= run.end() && !spent()) {
    std::size_t const wanted = std::min((run.end() - from) / word * word, window_bytes);
    std::size_t const got = read_memory(from, work_.window.data(), wanted);
    searched_bytes_ += got;
    search_window(from, got / word);
    if (got < wanted && !is_gone(from + got)) not_complete();
    from = got == wanted ? from + got : (from + got) / page * page + page;  // beyond the page that is gone
  }
}

void memory_search::search_window(std::uintptr_t first, std::size_t words) noexcept {
  std::uint64_t const* const window = work_.window.data();
  std::uintptr_t const low = reservation_.first;
  std::size_t const bytes = reservation_.bytes;
  for (std::size_t i = 0; i < words; ++i) {
    if (window[i] - low < bytes) [[unlikely]]
      consider(first + i * sizeof(std::uint64_t), window[i]);
  }
}

void memory_search::consider(std::uintptr_t at, std::uint64_t value) noexcept {
  if (pool_.owner_of(pointer_to(value)) != owner_tag_) return;
  for (std::size_t i = 0; i < exempt_count_; ++i) {
    if (exempt_[i].has(at)) return;
  }
#ifdef MAYFLY_ASAN
  if (__asan_address_is_poisoned(pointer_to(at)) != 0) return;  // freed, or nobody's
#endif
  if (found_count_ == most_words) return not_complete();
  work_.found[found_count_++] = {at, value};
}

}  // namespace mayfly::detail
