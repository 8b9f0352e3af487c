#pragma once

#include <mayfly/page_pool_options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mayfly {

/// What lies in quarantine. A snapshot, as page_class_stats.
struct quarantine_stats {
  std::uint64_t owners = 0;
  std::uint64_t pages = 0;
  std::uint64_t blocks = 0;
  std::size_t bytes = 0;         ///< part of committed_bytes
  std::uint64_t taken = 0;       ///< pages and blocks that came in, ever
  std::uint64_t overflowed = 0;  ///< ... that did not, because the limits do not hold as much of one owner, ever
  std::uint64_t refused = 0;     ///< ... that did not, because the system would not protect them, ever
};

/// Where the pool's pages are, for one page class. A snapshot: exact when nobody takes or gives.
struct page_class_stats {
  std::size_t page_bytes = 0;
  std::uint64_t made = 0;    ///< pages ever cut from fresh addresses
  std::uint64_t in_use = 0;  ///< held by arenas
  std::uint64_t in_magazines = 0;
  std::uint64_t in_depot = 0;
  std::uint64_t in_quarantine = 0;  ///< given back, and out of reach for a while
  std::uint64_t returned = 0;       ///< addresses kept, memory given back to the system
  std::uint64_t from_magazine = 0;  ///< takes served by this thread's magazines, ever
  std::uint64_t from_depot = 0;     ///< takes that fetched a magazine from the depot, ever
  std::uint64_t from_system = 0;    ///< takes that needed new memory from the system, ever
};

/// Where all of the pool's memory is, as page_class_stats.
struct page_pool_stats {
  std::array<page_class_stats, page_pool_options::classes> classes{};
  std::size_t reserved_bytes = 0;   ///< addresses
  std::size_t committed_bytes = 0;  ///< memory held, in use or idle; what max_bytes limits
  std::size_t peak_committed_bytes = 0;
  std::uint64_t blocks_in_use = 0;
  std::size_t idle_block_bytes = 0;
  std::uint64_t blocks_from_cache = 0;   ///< ever
  std::uint64_t blocks_from_system = 0;  ///< ever
  quarantine_stats quarantine{};

  /// Committed and held by no arena; the quarantine's too, which gives way.
  [[nodiscard]] std::size_t idle_bytes() const noexcept {
    std::size_t idle = idle_block_bytes + quarantine.bytes;
    for (auto const& of : classes) idle += (of.in_magazines + of.in_depot) * of.page_bytes;
    return idle;
  }
  [[nodiscard]] std::uint64_t pages_in_use() const noexcept {
    return classes[0].in_use + classes[1].in_use + classes[2].in_use;
  }
};

}  // namespace mayfly
