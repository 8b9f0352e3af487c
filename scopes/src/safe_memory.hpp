#pragma once

#include <mayfly/page_pool.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mayfly::detail {

/// Addresses [first, first + bytes).
struct memory_range {
  std::uintptr_t first = 0;
  std::size_t bytes = 0;

  [[nodiscard]] std::uintptr_t end() const noexcept { return first + bytes; }
  [[nodiscard]] bool has(std::uintptr_t address) const noexcept { return address - first < bytes; }
};

/// An address as the functions of others want it. Nobody here reads through it.
[[nodiscard]] inline void* pointer_to(std::uintptr_t address) noexcept {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr): found in memory, as a number
}

/// Copies memory of this process that another thread may unmap at any time. Returns how many bytes were copied: less
/// than asked where what follows cannot be read. Never faults; a system call and no lock of ours.
std::size_t read_memory(std::uintptr_t from, void* into, std::size_t bytes) noexcept;

template <typename T>
[[nodiscard]] bool read_value(std::uintptr_t from, T& into) noexcept {
  return read_memory(from, &into, sizeof(T)) == sizeof(T);
}

/// The word at an address, 0 where it cannot be read.
[[nodiscard]] inline std::uint64_t read_word(std::uintptr_t from) noexcept {
  std::uint64_t word = 0;
  return read_value(from, word) ? word : 0;
}

/// Whether no memory can be read there for want of any: it was unmapped, or let go. false: it is there, or nobody says.
[[nodiscard]] bool is_gone(std::uintptr_t address) noexcept;

/// Bytes of one page of the system.
[[nodiscard]] std::size_t system_page_bytes() noexcept;

/// For some pages, one after the other, whether each has memory behind it.
using residency_flags = std::array<unsigned char, 4096>;

/// Fills `flags` for the first pages of `range`, which starts at one; returns for how many.
std::size_t look_up_residency(memory_range range, residency_flags& flags) noexcept;

/// Calls visit(memory_range) for the parts of `range` that have memory behind them, in order, until it returns false.
/// What was never touched, or was swapped out, has none. Works in `flags`.
template <typename Visit>
void for_each_resident(memory_range range, residency_flags& flags, Visit&& visit) noexcept {
  std::size_t const page = system_page_bytes();
  std::uintptr_t from = range.first / page * page;
  while (from < range.end()) {
    std::size_t const pages = look_up_residency({from, range.end() - from}, flags);
    for (std::size_t i = 0; i < pages;) {
      std::size_t last = i;
      while (last < pages && (flags[last] & 1U) != 0) ++last;
      std::uintptr_t const first = std::max(from + i * page, range.first);
      std::uintptr_t const end = std::min(from + last * page, range.end());
      if (last != i && !visit(memory_range{first, end - first})) return;
      i = last + 1;
    }
    from += pages * page;
  }
}

/// A word that points into the audited scope, and where it lies.
struct found_word {
  std::uintptr_t at;
  std::uintptr_t value;
};

/// Finds the words of a memory range that point into one scope's pages. Works in memory that its owner provides.
class memory_search {
 public:
  static constexpr std::size_t window_bytes = std::size_t{256} << 10U;
  static constexpr std::size_t most_words = 1024;  ///< that one call of search() finds

  /// What a search works in. Large: not for a stack.
  struct workplace {
    std::array<std::uint64_t, window_bytes / sizeof(std::uint64_t)> window;
    std::array<found_word, most_words> found;
    residency_flags residency;
  };

  memory_search(workplace& in, page_pool const& pool, std::uint64_t owner_tag, std::size_t most_bytes) noexcept;

  /// Words in there are not looked at: memory of our own that may know the scope's pages.
  void exempt(memory_range range) noexcept;

  /// The words in `range` that point into the scope, in the order of their addresses. Valid until the next search.
  [[nodiscard]] std::span<found_word const> search(memory_range range) noexcept;

  /// Something was left out.
  void not_complete() noexcept { complete_ = false; }
  /// Counts bytes that were looked at otherwise.
  void charge(std::size_t bytes) noexcept { charged_bytes_ += bytes; }

  [[nodiscard]] bool spent() noexcept;
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  [[nodiscard]] std::size_t searched_bytes() const noexcept { return searched_bytes_; }

 private:
  void search_run(memory_range run) noexcept;
  /// The loop over every word, also under the sanitizers not slowed down by them: it reads nothing but the window.
  __attribute__((no_sanitize("address", "undefined"))) void search_window(std::uintptr_t first,
                                                                          std::size_t words) noexcept;
  void consider(std::uintptr_t at, std::uint64_t value) noexcept;

  workplace& work_;
  page_pool const& pool_;
  std::uint64_t owner_tag_;
  std::size_t most_bytes_;
  memory_range reservation_;
  std::array<memory_range, 8> exempt_{};
  std::size_t exempt_count_ = 0;
  std::size_t found_count_ = 0;
  std::size_t searched_bytes_ = 0;
  std::size_t charged_bytes_ = 0;
  bool complete_ = true;
};

}  // namespace mayfly::detail
