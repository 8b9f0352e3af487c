#pragma once

#include <mayfly/page_pool_options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mayfly {

/// What a first page of one size would have been worth to requests of a route: as their sizes say, which is not how
/// large arrays fall on pages.
struct first_page_worth {
  std::size_t page_bytes = 0;
  double one_page_part = 0;      ///< of the requests that took memory, those that fit in it: 0 to 1
  double unused_part = 0;        ///< of the bytes that their pages would have had, those not used: 0 to 1
  double pages_per_request = 0;  ///< of those that took memory
  double cost_bytes = 0;         ///< a request: bytes not used, and 4 KiB for each page; the least is chosen
};

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
  /// By page class. All zero but for the sizes where no request took pages.
  std::array<first_page_worth, page_pool_options::classes> first_pages{};
};

}  // namespace mayfly
