#pragma once

#include <cstddef>
#include <cstdint>

namespace mayfly {

/// What one arena does from its first allocation to its end, as it tells it to a recorder: everything that another
/// arena has to be told to take the same pages in the same order. Called by whoever uses the arena, hence by one thread
/// at a time; nothing here may throw.
class allocation_log {
 public:
  /// It lies in a page, as nearly all do: where there is room for it and nothing unusual about it, a few bytes are
  /// written and nothing is called (trace/include/mayfly/trace/operation.hpp reads them).
  void allocated_in_page(std::size_t bytes, std::size_t alignment) noexcept {
    if (alignment > 8 || static_cast<std::size_t>(end_ - at_) < longest_note) [[unlikely]]
      return allocated(bytes, alignment, /*block=*/false);
    ++allocations_;
    std::uint64_t value = std::uint64_t{bytes} << 1U;
    for (; value >= 0x80U; value >>= 7U) *at_++ = static_cast<std::byte>(value | 0x80U);
    *at_++ = static_cast<std::byte>(value);
  }
  static constexpr std::size_t longest_note = 10;

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

  std::byte* at_ = nullptr;        ///< where the next note goes
  std::byte* end_ = nullptr;       ///< how far notes may go
  std::uint64_t allocations_ = 0;  ///< counted so far

 private:
  friend class arena;
  std::byte* end_of_page_ = nullptr;  // of the arena's current page
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
