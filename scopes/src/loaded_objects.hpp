#pragma once

#include "safe_memory.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mayfly::detail {

/// The program or one of its libraries, as it is loaded. A copy: it may be unloaded meanwhile.
struct loaded_object {
  static constexpr std::size_t most_segments = 4;

  std::uintptr_t base = 0;  ///< what the values of its symbols count from
  std::array<memory_range, most_segments> writable{};
  std::size_t writable_count = 0;
  bool has_more = false;       ///< writable segments than fit here
  std::size_t tls_module = 0;  ///< 0: it has no thread-locals
  std::size_t tls_bytes = 0;
  std::uintptr_t tls_here = 0;        ///< this thread's; 0: not made yet
  std::uint64_t headers_digest = 0;   ///< tells whether a file is the one that was loaded
  std::array<char, 256> path_text{};  ///< empty: the program

  [[nodiscard]] std::string_view path() const noexcept { return path_text.data(); }
  [[nodiscard]] bool is_c_library() const noexcept;
};

/// A digest of program headers, in memory or from a file.
[[nodiscard]] std::uint64_t digest(void const* bytes, std::size_t count) noexcept;

/// Lists what is loaded; the program comes first. Returns how many there are: more than were written where `into` is
/// too small. Takes the loader's list lock, and no other.
std::size_t list_loaded_objects(std::span<loaded_object> into) noexcept;

}  // namespace mayfly::detail
