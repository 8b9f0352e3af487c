#pragma once

#include <mayfly/trace/trace.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace mayfly::trace {

/// What is wrong with a life's operations, and where; all is well where `wrong` is null.
struct operation_fault {
  char const* wrong = nullptr;
  std::size_t offset = 0;  ///< in the operations
};

/// Looks at every operation, so that nobody who plays them has to: each is whole, speaks of sizes and alignments that
/// there are, of blocks that the arena has and marks that are valid. Counts the allocations.
[[nodiscard]] operation_fault check_operations(std::span<std::byte const> operations, std::uint64_t& allocations);

}  // namespace mayfly::trace
