#pragma once

#include <mayfly/arena.hpp>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

/// The request of most works here: so many allocations of 32 bytes, each written and read back.
namespace bench {

constexpr std::size_t request_bytes = 32;
constexpr std::size_t most_allocations = 100;

/// True when it reads back what it wrote. `count` is at most most_allocations.
template <class Allocate, class Free>
bool write_and_read_back(std::size_t count, Allocate allocate, Free free) {
  std::array<unsigned char*, most_allocations> blocks;  // NOLINT(*-member-init): a request of none writes none
  for (std::size_t i = 0; i < count; ++i) {
    blocks[i] = static_cast<unsigned char*>(allocate(request_bytes));
    std::memset(blocks[i], static_cast<int>(i), request_bytes);
  }
  bool right = true;
  for (std::size_t i = 0; i < count; ++i) {
    right = right && blocks[i][0] == i && blocks[i][request_bytes - 1] == i;
    free(blocks[i]);
  }
  return right;
}

/// By malloc, which LD_PRELOAD chooses; each block is freed.
inline bool request_on_heap(std::size_t allocations) {
  return write_and_read_back(
      allocations,
      [](std::size_t size) {
        void* const block = std::malloc(size);
        return block != nullptr ? block : throw std::bad_alloc{};
      },
      [](void* block) { std::free(block); });
}

/// In the request's arena, which ends with it.
inline bool request_in(mayfly::arena& memory, std::size_t allocations) {
  return write_and_read_back(allocations, [&](std::size_t size) { return memory.allocate(size); }, [](void*) {});
}

}  // namespace bench
