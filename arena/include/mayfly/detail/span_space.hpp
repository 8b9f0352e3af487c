#pragma once

#include <mayfly/detail/mapping.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

namespace mayfly::detail {

/// The one contiguous reservation, in spans of 2 MiB (the size of a huge page): which spans are free, and which of
/// their bytes the kernel has been asked to back. Every call takes a lock; each is rare and next to a system call.
class span_space {
 public:
  static constexpr std::size_t span_bytes = std::size_t{2} << 20U;
  static constexpr std::size_t smallest_bytes = 8 * span_bytes;
  static constexpr std::size_t largest_bytes = std::size_t{1} << 40U;

  /// Takes over `addresses` (PROT_NONE, span-aligned, whole spans). With `reuse_late`, runs come from behind the last
  /// one taken while any are left there, so that freed addresses stay unused for as long as possible.
  span_space(mapping addresses, bool reuse_late) noexcept;

  [[nodiscard]] bool ready() const noexcept { return addresses_ && taken_; }
  [[nodiscard]] std::byte* start() const noexcept { return addresses_.start(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return addresses_.bytes(); }
  [[nodiscard]] std::uint32_t spans() const noexcept { return static_cast<std::uint32_t>(bytes() / span_bytes); }
  [[nodiscard]] std::byte* address_of(std::uint32_t span) const noexcept { return start() + span * span_bytes; }

  /// A free run of `count` spans whose address is a multiple of `alignment`; nothing when there is none.
  [[nodiscard]] std::optional<std::uint32_t> take_run(std::uint32_t count, std::size_t alignment) noexcept;
  void give_run(std::uint32_t first, std::uint32_t count) noexcept;

  /// Spans from here on were never taken.
  [[nodiscard]] std::uint32_t behind_highest() const noexcept;

  /// Makes bytes readable and writable; false with errno where the kernel refuses.
  [[nodiscard]] static bool commit(std::byte* start, std::size_t bytes) noexcept;
  /// Gives the memory behind the bytes back; they read as zero when touched again. false: the kernel kept it.
  static bool discard(std::byte* start, std::size_t bytes) noexcept;
  /// Lets the kernel take the memory when it needs some: until then the bytes are as they were, unless they are written
  /// to they may be zero at any time. Where the kernel cannot (before 4.5, locked memory), as discard().
  static bool offer(std::byte* start, std::size_t bytes) noexcept;
  /// Whether the kernel should back the bytes with huge pages; advice, of which a refusal changes nothing (a kernel
  /// that has none says EINVAL).
  static void prefer_huge(std::byte* start, std::size_t bytes, bool huge) noexcept;
  /// Makes every access fault, and keeps the memory; false with errno where the kernel refuses.
  [[nodiscard]] static bool shut(std::byte* start, std::size_t bytes) noexcept;
  /// Gives the memory back and makes every access fault.
  static bool protect(std::byte* start, std::size_t bytes) noexcept;

 private:
  static constexpr std::size_t bits_per_word = 64;

  [[nodiscard]] bool taken(std::uint32_t span) const noexcept {
    return (taken_[span / bits_per_word] >> (span % bits_per_word) & 1U) != 0;
  }
  [[nodiscard]] std::optional<std::uint32_t> find_run(std::uint32_t from, std::uint32_t count,
                                                      std::size_t alignment) const noexcept;
  void mark(std::uint32_t first, std::uint32_t count, bool take) noexcept;

  mapping addresses_;
  mutable std::mutex mutex_;
  std::uint32_t lowest_free_ = 0;  // no free span lies below it
  std::uint32_t behind_last_ = 0;  // where the run taken last ends
  std::uint32_t behind_highest_ = 0;
  bool reuse_late_;
  mapped_array<std::uint64_t> taken_;
};

}  // namespace mayfly::detail
