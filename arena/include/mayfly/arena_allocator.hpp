#pragma once

#include <mayfly/arena.hpp>

#include <cstddef>
#include <limits>

namespace mayfly {

/// A standard allocator over an arena with no virtual call: for containers on a hot path whose type may name it.
/// Copies share the arena; containers keep their arena when assigned from another (as pmr containers do). Must not
/// outlive the arena. Same thread rules as the arena.
template <typename T>
class arena_allocator {
 public:
  using value_type = T;

  // Implicit, as an allocator argument is: vector{arena} reads as intended.
  arena_allocator(arena& memory) noexcept : arena_{&memory} {}  // NOLINT(google-explicit-constructor)
  template <typename U>
  arena_allocator(arena_allocator<U> const& other) noexcept  // NOLINT(google-explicit-constructor)
      : arena_{&other.get()} {}

  /// Throws allocation_error, also where count x sizeof(T) overflows.
  [[nodiscard]] T* allocate(std::size_t count) {
    constexpr std::size_t most = page_pool::largest_block_bytes;
    if (count > most / sizeof(T)) [[unlikely]]
      throw allocation_error{refusal::too_large, most, 0, std::numeric_limits<std::size_t>::max()};
    return static_cast<T*>(arena_->allocate(count * sizeof(T), alignof(T)));
  }

  void deallocate(T* memory, std::size_t count) noexcept { arena_->deallocate(memory, count * sizeof(T), alignof(T)); }

  [[nodiscard]] arena& get() const noexcept { return *arena_; }

  template <typename U>
  friend bool operator==(arena_allocator const& left, arena_allocator<U> const& right) noexcept {
    return &left.get() == &right.get();
  }

 private:
  arena* arena_;
};

}  // namespace mayfly
