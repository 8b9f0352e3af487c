#pragma once

#include <mayfly/detail/handle_space.hpp>
#include <mayfly/detail/mapping.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace mayfly::detail {

/// Which anchor each unit of a pool's reservation has: none, until the first handle into the unit is made; then the
/// same one until its generations are used up, when the next handle gets another. The table of units is mapped at the
/// first handle, so that a pool without handles has none.
class handle_map {
 public:
  /// For the addresses from `start`. Takes nothing.
  handle_map(std::byte* start, std::size_t bytes) noexcept : start_{start}, bytes_{bytes} {}
  /// Every unit must have been retired.
  ~handle_map() { handle_space::give_groups(groups_); }
  handle_map(handle_map const&) = delete;
  handle_map& operator=(handle_map const&) = delete;

  /// A handle for the byte at `offset`, in memory that cannot be given back meanwhile and is `owner`'s; 0 where the
  /// process has no anchor left, or no memory for the tables. Any thread: two that make handles into the same unit at
  /// once speak for the same owner.
  [[nodiscard]] handle_bits make(std::size_t offset, void* owner, std::uint64_t owner_tag) noexcept {
    handle_anchor* const anchor = find(offset / handle_unit_bytes);
    if (anchor == nullptr) [[unlikely]]
      return 0;
    // sync handle-owner: acquire; pairs with the other thread that made a handle here; its tag is seen with it
    if (anchor->owner.load(std::memory_order_acquire) != owner) {
      // sync handle-owner: release, both; pairs with owner_of(); who reads them sees that earlier owners have ended
      anchor->owner_tag.store(owner_tag, std::memory_order_release);
      anchor->owner.store(owner, std::memory_order_release);
    }
    // Relaxed: changes only when the unit is given back.
    return anchor->first.load(std::memory_order_relaxed) + offset % handle_unit_bytes;
  }

  /// All handles into these bytes name nothing from here on. By whoever gives the memory back, before anybody else gets
  /// it; only where a handle has been made.
  void retire(std::size_t offset, std::size_t bytes) noexcept;

 private:
  using unit_anchor = std::atomic<std::uint32_t>;  // back from the end of the table; 0: none

  [[nodiscard]] handle_anchor* find(std::size_t unit) noexcept {
    // sync handle-unit: acquire; pairs with assign(); reads the table of units
    if (unit_anchor* const units = units_.load(std::memory_order_acquire)) [[likely]] {
      // sync handle-unit: acquire; pairs with assign(); reads the anchor's address and generation
      if (std::uint32_t const back = units[unit].load(std::memory_order_acquire); back != 0) [[likely]] {
        return &handle_space::anchor(back);
      }
    }
    return assign(unit);
  }
  [[nodiscard]] handle_anchor* assign(std::size_t unit) noexcept;
  [[nodiscard]] std::uint32_t next_anchor() noexcept;

  std::byte* start_;
  std::size_t bytes_;
  std::atomic<unit_anchor*> units_{nullptr};
  std::mutex mutex_;  // guards the rest
  mapping memory_;
  std::uint32_t groups_ = handle_space::no_group;  // the newest; linked
  std::uint32_t left_in_group_ = 0;                // of the newest group
};

}  // namespace mayfly::detail
