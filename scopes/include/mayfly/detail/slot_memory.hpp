#pragma once

#include <mayfly/detail/mapping.hpp>
#include <mayfly/scope_id.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mayfly::detail {

/// The memory that a registry's slots lie in. Never unmapped, nor used for anything else (S12): what an ended registry
/// leaves goes to a later one, whose scopes go on above the generations of those before. So whoever still has the
/// address of a scope may look at its control word, and finds no other scope of the same generation there, ever.
class slot_memory {
 public:
  /// Zeroed, or as a registry has left it; empty where the system refuses. Throws std::bad_alloc.
  explicit slot_memory(std::size_t bytes);
  ~slot_memory();
  slot_memory(slot_memory const&) = delete;
  slot_memory& operator=(slot_memory const&) = delete;

  [[nodiscard]] std::byte* start() const noexcept { return kept_->memory.start(); }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(kept_->memory); }

  /// How many slots, from the first, are scopes already.
  [[nodiscard]] std::uint32_t made() const noexcept { return kept_->made; }
  void made_one() noexcept { ++kept_->made; }

  /// The lowest generation that none of them has had.
  [[nodiscard]] std::uint64_t fresh_generation() const noexcept { return kept_->fresh_generation; }
  /// Says, before the end, which generations were given out: all below `fresh`, and those of the registries before,
  /// which may have been more.
  void used_below(std::uint64_t fresh) noexcept { kept_->fresh_generation = std::max(kept_->fresh_generation, fresh); }

 private:
  struct block {
    mapping memory;
    std::uint32_t made = 0;
    std::uint64_t fresh_generation = 1;
    block* next = nullptr;
  };
  struct directory;

  [[nodiscard]] static directory& left() noexcept;

  block* kept_;
};

}  // namespace mayfly::detail
