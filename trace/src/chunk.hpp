#pragma once

#include <mayfly/trace/operation.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mayfly::trace {

/// The content of a block in the making: what one thread notes down, until it is full. Every add_ returns false, with
/// nothing written, where there is no room for the record. Takes no memory.
class chunk {
 public:
  static constexpr std::size_t capacity = std::size_t{64} << 10U;

  /// The end of an arena, and what it did since the part before.
  struct arena_end {
    std::uint64_t life = 0;  ///< 0: it came in one part
    std::uint64_t parts = 0;
    std::uint64_t request = 0;
    std::uint64_t opened_ns = 0;
    std::uint64_t closed_ns = 0;
    std::uint64_t allocations = 0;
    std::uint32_t opened_by = 0;
    std::uint32_t first_class = 0;
  };

  void begin(std::uint32_t thread, std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool add_opened(std::uint64_t request, std::uint64_t at_ns) noexcept;
  [[nodiscard]] bool add_ended(std::uint64_t request, std::string_view route, std::uint8_t outcome,
                               std::uint64_t at_ns) noexcept;
  [[nodiscard]] bool add_part(std::uint64_t life, std::uint64_t index, std::span<std::byte const> operations) noexcept;
  [[nodiscard]] bool add_arena(arena_end const& end, std::span<std::byte const> operations) noexcept;

  /// Whether anything was added.
  [[nodiscard]] bool has_records() const noexcept { return used_ > begun_; }
  [[nodiscard]] std::span<std::byte const> content() const noexcept { return {bytes_.data(), used_}; }

 private:
  static constexpr std::size_t longest_record_head = 96;
  static constexpr std::size_t most_routes = 64;

  [[nodiscard]] bool has_room(std::size_t payload) const noexcept {
    return capacity - used_ >= longest_record_head + payload;
  }
  [[nodiscard]] std::byte* end() noexcept { return bytes_.data() + used_; }
  void set_end(std::byte const* end) noexcept { used_ = static_cast<std::size_t>(end - bytes_.data()); }
  [[nodiscard]] std::byte* put_time(std::byte* to, std::uint64_t at_ns) const noexcept;

  std::size_t used_ = 0;
  std::size_t begun_ = 0;
  std::uint64_t base_ns_ = 0;
  std::size_t route_count_ = 0;
  std::array<std::string_view, most_routes> routes_;  // by where their names stand
  std::array<std::byte, capacity> bytes_;
};

}  // namespace mayfly::trace
