#pragma once

#include <array>
#include <cstddef>

namespace mayfly::detail {

/// How much of a range of addresses the kernel backs, asked of mincore(2) in windows of 16 MiB: cheapest in the order
/// of addresses.
class residency {
 public:
  /// `start` on a system page's boundary, `bytes` whole system pages; mapped, whatever their protection.
  residency(std::byte* start, std::size_t bytes) noexcept;

  /// Resident bytes of [offset, offset + bytes).
  [[nodiscard]] std::size_t resident(std::size_t offset, std::size_t bytes) noexcept;

  /// Whether the kernel has answered, each time.
  [[nodiscard]] bool known() const noexcept { return known_; }

 private:
  static constexpr std::size_t window_pages = 4096;

  void look(std::size_t first_page) noexcept;

  std::byte* start_;
  std::size_t page_bytes_;
  std::size_t pages_;
  bool known_ = true;
  std::size_t first_ = 0;  // system page that the window begins at
  std::size_t count_ = 0;  // system pages in it
  std::array<unsigned char, window_pages> flags_{};
};

}  // namespace mayfly::detail
