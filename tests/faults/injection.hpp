#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// The C heap and the system's calls for memory and threads, each failing when told. Linking injection.cpp replaces
/// them for the whole executable and its shared libraries; nothing in here allocates. Not in sanitizer builds, which
/// have a heap of their own.
namespace mayfly::test::faults {

enum class call : std::uint8_t { heap, map, protect, advise, thread };
inline constexpr std::array<std::string_view, 5> call_names{"malloc", "mmap", "mprotect", "madvise", "pthread_create"};

/// Which calls fail.
struct plan {
  call which = call::heap;
  std::uint64_t k = 0;    ///< the k-th, counted from 1 from arm() on, whichever thread makes it; 0: none
  bool for_ever = false;  ///< and all that come after it
};

/// Finds the real functions and what a stack trace needs; before the first arm().
void prepare() noexcept;
/// From here on libtbbmalloc is not found: oneTBB takes its memory from the C heap.
void hide_tbbmalloc() noexcept;
void arm(plan const& wanted) noexcept;
/// From here on every call succeeds. How many there were since arm().
std::uint64_t disarm() noexcept;
/// While one of these lives, calls of its thread neither fail nor count: for who looks at what has become of a run.
class unharmed {
 public:
  unharmed() noexcept;
  ~unharmed();
  unharmed(unharmed const&) = delete;
  unharmed& operator=(unharmed const&) = delete;
};
/// How many were made to fail.
[[nodiscard]] std::uint64_t injected() noexcept;
/// Where the first was.
[[nodiscard]] std::span<void* const> first_injection() noexcept;
/// Heap blocks that have not been freed.
[[nodiscard]] std::int64_t outstanding_blocks() noexcept;
/// Bytes mapped and not unmapped by this executable's own calls: not the libraries'.
[[nodiscard]] std::int64_t mapped_bytes() noexcept;

}  // namespace mayfly::test::faults
