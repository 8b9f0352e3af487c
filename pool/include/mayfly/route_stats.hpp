#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mayfly {

/// What requests of one route took lately, summed over the workers that ran them: of the last 20 to 40 seconds in which
/// there were any, or of longer where those were fewer than 16. Sizes are never below the true ones and above them by
/// at most a sixteenth (or 64 bytes); sizes above 1 GiB count as that. A snapshot: while requests run, its figures are
/// from slightly different moments.
struct route_stats {
  std::string route;
  std::uint64_t requests = 0;        ///< that ran, those without memory included
  std::uint64_t without_memory = 0;  ///< that allocated nothing
  // bytes of those that did: pages as far as they were bumped through, blocks, other threads' lanes whole
  std::size_t p50_bytes = 0;
  std::size_t p95_bytes = 0;
  std::size_t p99_bytes = 0;
  /// What the next one's first page will be. Each worker learns by itself; of several the largest.
  std::size_t first_page_bytes = 0;
};

}  // namespace mayfly
