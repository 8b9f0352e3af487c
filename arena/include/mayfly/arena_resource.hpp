#pragma once

#include <mayfly/arena.hpp>

#include <cstddef>
#include <memory_resource>

namespace mayfly {

/// std::pmr view of an arena, for pmr containers and strings.
///
/// Deallocation gives back only what costs nothing to give back (see arena::deallocate), so a container that grows
/// step by step leaves its old buffers behind until the arena ends: reserve where the size is known. Must not outlive
/// the arena, nor be used after the arena has moved. Same thread rules as the arena. Throws what arena::allocate does.
class arena_resource final : public std::pmr::memory_resource {
 public:
  explicit arena_resource(arena& memory) noexcept : arena_{&memory} {}

  [[nodiscard]] arena& get() const noexcept { return *arena_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override { return arena_->allocate(bytes, alignment); }

  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    arena_->deallocate(memory, bytes, alignment);
  }

  [[nodiscard]] bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override {
    auto const* const same = dynamic_cast<arena_resource const*>(&other);
    return same != nullptr && same->arena_ == arena_;
  }

  arena* arena_;
};

}  // namespace mayfly
