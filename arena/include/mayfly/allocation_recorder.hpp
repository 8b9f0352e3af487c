#pragma once

#include <mayfly/detail/canary.hpp>
#include <mayfly/detail/poison.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace mayfly {

/// What one arena does from its first allocation to its end, as it tells it to a recorder: everything that another
/// arena has to be told to take the same pages in the same order. Called by whoever uses the arena, hence by one thread
/// at a time; nothing here may throw.
class allocation_log {
 public:
  /// block: it got a block of its own; otherwise it lies in a page.
  virtual void allocated(std::size_t bytes, std::size_t alignment, bool block) noexcept = 0;
  /// The allocation made last in the current page went back early.
  virtual void gave_back(std::size_t bytes) noexcept = 0;
  virtual void resized(std::size_t old_bytes, std::size_t new_bytes) noexcept = 0;
  /// The same of a block: the arena's newest is number 0, the one before it 1.
  virtual void gave_back_block(std::uint32_t number, std::size_t bytes, std::size_t alignment) noexcept = 0;
  virtual void resized_block(std::uint32_t number, std::size_t old_bytes, std::size_t new_bytes) noexcept = 0;
  /// A mark was made; returns its number, from 1.
  [[nodiscard]] virtual std::uint32_t marked() noexcept = 0;
  /// Everything since the mark of that number went back; 0: everything.
  virtual void rewound(std::uint32_t number) noexcept = 0;
  /// All memory went back. The log is the recorder's again.
  virtual void ended() noexcept = 0;

 protected:
  allocation_log() = default;
  ~allocation_log() = default;
  allocation_log(allocation_log const&) = default;
  allocation_log& operator=(allocation_log const&) = default;

  // The arena itself writes down most allocations here, in the bytes of trace/include/mayfly/trace/operation.hpp, and
  // counts them; of those, and only of those, it calls nobody. Whoever gives it no room is called for every one.
  std::byte* at_ = nullptr;        ///< where the next note goes
  std::byte* end_ = nullptr;       ///< how far notes may go
  std::uint64_t allocations_ = 0;  ///< counted so far; allocated() counts its own

 private:
  friend class arena;

  // Nearly every allocation is noted down in a few instructions and without a call, as
  // trace/include/mayfly/trace/operation.hpp reads it: one that lies in a page, is not empty, has at most longest_quick
  // bytes, and finds room for its note. The arena looks at one thing only, whether it ends by quick_end_. A size always
  // takes two bytes, small or not: which one comes next is hard to foretell.
  static constexpr std::ptrdiff_t longest_quick = (1 << 13) - 8;
  static constexpr std::ptrdiff_t longest_quick_note = 4;
  static constexpr std::ptrdiff_t least_in_page = 8;  // what an allocation takes of its page
  static_assert(longest_quick % least_in_page == 0 && 2 * longest_quick < 1 << 14);

  /// After every note that is not a quick one, and whenever the page ends elsewhere.
  void set_quick_end(std::byte* next) noexcept {
    if constexpr (detail::redzone_bytes != 0 || detail::canaries) {
      quick_end_ = next;  // an allocation is more than a pointer that moves
    } else {
      std::ptrdiff_t const noted = (end_ - at_) / longest_quick_note * least_in_page;
      quick_end_ = next + std::min({end_of_page_ - next, noted, longest_quick});
    }
  }
  void note(std::size_t bytes) noexcept { put_pair(take_room(2), 2 * bytes); }
  void note(std::size_t bytes, std::size_t alignment) noexcept {
    std::byte* const at = take_room(4);
    at[0] = std::byte{1};
    at[1] = static_cast<std::byte>(std::countr_zero(alignment));
    put_pair(at + 2, bytes);
  }
  std::byte* take_room(std::size_t bytes) noexcept {
    ++allocations_;
    return std::exchange(at_, at_ + bytes);
  }
  static void put_pair(std::byte* at, std::size_t value) noexcept {
    std::size_t const pair = value + (value & ~std::size_t{0x7f}) + 0x80;  // seven bits each, and that more follow
    at[0] = static_cast<std::byte>(pair);
    at[1] = static_cast<std::byte>(pair >> 8U);
  }

  std::byte* end_of_page_ = nullptr;  // of the arena's current page
  std::byte* quick_end_ = nullptr;    // what lies between the arena's next_ and it can be noted quickly
};

/// Told of everything that the arenas of a page pool do (page_pool_options::recorder). Must outlive the pool.
class allocation_recorder {
 public:
  /// An arena makes its first allocation since it was made or reset. The log it shall write to from now on, or null:
  /// this one is not recorded. Any thread.
  [[nodiscard]] virtual allocation_log* begin(std::uint64_t owner_tag, std::size_t first_class) noexcept = 0;

 protected:
  allocation_recorder() = default;
  ~allocation_recorder() = default;
  allocation_recorder(allocation_recorder const&) = default;
  allocation_recorder& operator=(allocation_recorder const&) = default;
};

}  // namespace mayfly
