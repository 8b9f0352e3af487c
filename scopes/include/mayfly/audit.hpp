#pragma once

#include <cstddef>
#include <cstdint>

namespace mayfly {

class scope;

/// Which scopes are audited at their end, and what is searched. See audit_scope().
struct audit_options {
  std::uint32_t one_in = 0;   ///< one of so many scopes, at its end: 1 audits all, 0 none
  bool globals = true;        ///< the writable data of the program and its libraries: MF-E41
  bool thread_locals = true;  ///< of every thread: MF-E42
  bool heap = true;           ///< blocks of the C heap: MF-E43
  /// The search ends after so many bytes: what an audit may cost, at 0.3 ms for a MiB where nothing is found and 0.8 ms
  /// where the heap holds something. Globals come first, then thread-locals, then the heap.
  std::size_t most_bytes = std::size_t{256} << 20U;
  std::uint32_t most_reports = 16;  ///< of one audit; what is beyond is counted only
};

/// What an audit found: holders, not words. A holder is a global, a thread-local of one thread, or a heap block.
struct audit_result {
  std::uint32_t globals = 0;
  std::uint32_t thread_locals = 0;  ///< suspects: stale words exist
  std::uint32_t heap_blocks = 0;    ///< suspects
  std::size_t searched_bytes = 0;
  bool complete = true;  ///< false: most_bytes was reached, or some of the memory could not be read or told apart

  [[nodiscard]] std::uint32_t holders() const noexcept { return globals + thread_locals + heap_blocks; }
};

/// Memory that audits do not search.
struct audit_exemption {
  void const* start = nullptr;
  std::size_t bytes = 0;
};

/// Searches globals, thread-locals and heap for words that point into the pages of a scope, and reports who holds one
/// by name (report_escape(): MF-E41, MF-E42, MF-E43), before anybody reads through it.
///
/// At a scope's end the registry does this for one in `one_in` scopes, after the destructors and before the pages go.
/// A test may call it itself, where the scope's work should be done but for closing it: from any thread that keeps the
/// scope alive, with no thread allocating in it.
///
/// Takes no lock but the loader's for listing libraries, allocates nothing while it searches, reads through the kernel:
/// what other threads free, unmap or unload meanwhile is at worst not searched. Blocks its thread for as long as
/// most_bytes says. Memory is read as words at multiples of 8: an address stored otherwise is not seen, nor one in
/// registers, on stacks, in memory that was swapped out, or in heaps other than the C library's (under
/// AddressSanitizer: other than its). Needs 64-bit Linux with glibc; elsewhere only globals and this thread are
/// searched.
audit_result audit_scope(scope& ended, audit_options const& options = {}) noexcept;

}  // namespace mayfly
