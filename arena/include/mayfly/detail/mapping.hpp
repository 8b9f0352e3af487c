#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace mayfly::detail {

/// Owns a range of addresses from mmap. Move-only; unmaps itself.
class mapping {
 public:
  mapping() noexcept = default;
  mapping(mapping&& other) noexcept
      : start_{std::exchange(other.start_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)} {}
  mapping& operator=(mapping&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~mapping();

  /// Addresses only: PROT_NONE, start a multiple of `alignment` (a power of two). Empty where the kernel refuses.
  [[nodiscard]] static mapping reserve(std::size_t bytes, std::size_t alignment) noexcept;

  /// Zero-filled memory that costs nothing until it is touched. Empty where the kernel refuses.
  [[nodiscard]] static mapping zeroed(std::size_t bytes) noexcept;

  [[nodiscard]] std::byte* start() const noexcept { return start_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] explicit operator bool() const noexcept { return start_ != nullptr; }

 private:
  mapping(std::byte* start, std::size_t bytes) noexcept : start_{start}, bytes_{bytes} {}

  std::byte* start_ = nullptr;
  std::size_t bytes_ = 0;
};

/// A fixed array in a zeroed mapping: T must be valid as zero bytes and need no destructor.
template <typename T>
class mapped_array {
 public:
  mapped_array() noexcept = default;
  explicit mapped_array(std::size_t count) noexcept : memory_{mapping::zeroed(count * sizeof(T))} {}

  [[nodiscard]] T& operator[](std::size_t i) const noexcept {
    return *std::launder(reinterpret_cast<T*>(memory_.start() + i * sizeof(T)));
  }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(memory_); }

 private:
  mapping memory_;
};

}  // namespace mayfly::detail
