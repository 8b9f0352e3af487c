#include <mayfly/detail/mapping.hpp>

#include <cstdint>

#include <sys/mman.h>

namespace mayfly::detail {
namespace {

std::byte* map(std::size_t bytes, int protection) noexcept {
  void* const start =
      ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, /*fd=*/-1, /*offset=*/0);
  return start == MAP_FAILED ? nullptr : static_cast<std::byte*>(start);
}

}  // namespace

mapping::~mapping() {
  if (start_ != nullptr) ::munmap(start_, bytes_);
}

mapping mapping::reserve(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const padded = bytes + alignment;
  std::byte* const start = map(padded, PROT_NONE);
  if (start == nullptr) return {};
  auto const address = reinterpret_cast<std::uintptr_t>(start);
  std::size_t const head = (alignment - address % alignment) % alignment;
  std::size_t const tail = padded - head - bytes;
  if (head != 0) ::munmap(start, head);
  if (tail != 0) ::munmap(start + head + bytes, tail);
  return {start + head, bytes};
}

mapping mapping::zeroed(std::size_t bytes) noexcept {
  std::byte* const start = map(bytes, PROT_READ | PROT_WRITE);
  return start == nullptr ? mapping{} : mapping{start, bytes};
}

}  // namespace mayfly::detail
