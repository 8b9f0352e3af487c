// Which allocation a quarantined address belongs to: builds with MAYFLY_CANARIES know.

#include <mayfly/detail/canary.hpp>
#include <mayfly/detail/page_quarantine.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace mayfly::detail {
namespace {

/// Reads the process's own memory in spite of its protection; async-signal-safe.
class own_memory {
 public:
  own_memory() noexcept : file_{::open("/proc/self/mem", O_RDONLY | O_CLOEXEC)} {}
  ~own_memory() {
    if (file_ >= 0) ::close(file_);
  }
  own_memory(own_memory const&) = delete;
  own_memory& operator=(own_memory const&) = delete;

  [[nodiscard]] bool read(canary& to, std::byte const* from) const noexcept {
    return file_ >= 0 &&
           ::pread(file_, &to, sizeof(to), static_cast<::off_t>(reinterpret_cast<std::uintptr_t>(from))) ==
               static_cast<::ssize_t>(sizeof(to));
  }

 private:
  int file_;
};

}  // namespace

std::optional<quarantined_allocation> page_quarantine::allocation_at(void const* address) const noexcept {
  if constexpr (!canaries) return std::nullopt;
  std::uint32_t const index = pool_.index_at(address);
  if (index == page_pool::no_index) return std::nullopt;
  page_descriptor const& descriptor = pool_.descriptor(index);
  std::byte const* const start = pool_.page_address(index);
  bool const block = pool_.block_at(start) == index;
  std::byte const* end =
      start + (block ? descriptor.block_bytes() : pool_.class_bytes(descriptor.page_class) - descriptor.tail_bytes);
  own_memory const memory;
  canary seen{};
  while (end > start && address < end && memory.read(seen, end - canary_bytes)) {
    if (!is_plausible(seen, end, start)) break;
    if (address >= end - seen.back) {
      return quarantined_allocation{.bytes = seen.bytes, .site = seen.site};
    }
    end -= seen.back;
  }
  return std::nullopt;
}

}  // namespace mayfly::detail
