#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

namespace mayfly {

/// Why memory was refused. Each value is one cause with one remedy.
enum class refusal : std::uint8_t {
  none,           ///< not refused
  too_large,      ///< the size cannot exist (count x size overflowed, or above half the address space)
  byte_budget,    ///< the arena's byte budget would be passed: raise it, or ask for less
  page_cap,       ///< the page pool's max_bytes would be passed, after idle pages were given up
  address_space,  ///< the pool's reservation has no free run of that length: raise reserve_bytes
  system,         ///< the kernel refused (mmap or mprotect); error_number() tells why
};

/// The refusal's name as it stands in the enumeration, for messages and metrics.
[[nodiscard]] char const* to_string(refusal reason) noexcept;

/// Thrown where memory is refused. Building and copying it allocates nothing.
class allocation_error : public std::bad_alloc {
 public:
  /// `limit`, `used` and `asked` are bytes against the limit that refused; zero where the reason has none.
  allocation_error(refusal reason, std::size_t limit, std::size_t used, std::size_t asked,
                   int error_number = 0) noexcept;

  /// One sentence with the cause, the limit, what is used and what was asked; valid as long as this object.
  [[nodiscard]] char const* what() const noexcept override { return text_.data(); }

  [[nodiscard]] refusal reason() const noexcept { return reason_; }
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }        ///< bytes allowed in all
  [[nodiscard]] std::size_t used() const noexcept { return used_; }          ///< bytes taken when asked
  [[nodiscard]] std::size_t asked() const noexcept { return asked_; }        ///< bytes that did not fit
  [[nodiscard]] int error_number() const noexcept { return error_number_; }  ///< errno for refusal::system, else 0

 private:
  std::size_t limit_;
  std::size_t used_;
  std::size_t asked_;
  int error_number_;
  refusal reason_;
  std::array<char, 199> text_;
};

}  // namespace mayfly
