#pragma once

#include <cstddef>
#include <cstdint>

namespace mayfly {

/// Guard mode: of every `one_in` scopes that end, one has its pages kept unreadable and unwritable for a while, first
/// in first out. Whoever still uses one of them faults at that very instruction, and the report (MF-E31) says whose
/// memory it was; see docs/escape.md. Ordinary builds report the fault from a SIGSEGV handler, which then does what
/// would have been done without it; under AddressSanitizer the memory is poisoned, and its report gets our lines.
struct guard_options {
  /// 0: none, and no handler; 1: every scope (debugging, continuous integration); 1000 costs next to nothing. Which
  /// scopes it is depends on their ids alone: the same schedule guards the same scopes.
  std::uint32_t one_in = 0;
  /// Pages and blocks kept at once: 1 to 65,536. They also end at a quarter of what vm.max_map_count allows.
  std::uint32_t quarantine_pages = 1024;
  /// Their bytes, which stay in memory; at least one page. What a scope has on top is not guarded.
  std::size_t quarantine_bytes = std::size_t{64} << 20U;
};

}  // namespace mayfly
