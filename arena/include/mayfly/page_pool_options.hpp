#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace mayfly {

class allocation_recorder;
class page_budget;

/// How the memory of idle pages, and of idle blocks up to 2 MiB, goes back to the system (madvise(2)). Larger blocks
/// always go by MADV_DONTNEED.
enum class memory_return : std::uint8_t {
  dontneed,  ///< MADV_DONTNEED: at once, and the next use takes page faults
  /// MADV_FREE: the system takes it when it needs some. Until then it is resident, counted in the process's RSS, and
  /// used again without a fault; the pool counts it as returned (it is not committed, and in no limit).
  free,
};

/// Whether huge pages (of 2 MiB) back the pool. It is advice: a kernel without them takes no notice, and the system's
/// setting may say never.
enum class huge_page_use : std::uint8_t {
  system,  ///< nothing is asked: as /sys/kernel/mm/transparent_hugepage/enabled has it
  off,     ///< MADV_NOHUGEPAGE for all of the reservation
  advise,  ///< MADV_HUGEPAGE for each 2 MiB that have been handed out to their end, and for good
  always,  ///< MADV_HUGEPAGE for all of the reservation: the first touch of 2 MiB backs them all
};

/// What a page pool is made of. All sizes in bytes; the constructor refuses nonsense by the option's name.
struct page_pool_options {
  static constexpr std::size_t classes = 3;
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  /// Addresses to reserve (no memory): 16 MiB to 1 TiB. Halved until the system grants it; see reserved_bytes().
  std::size_t reserve_bytes = std::size_t{64} << 30U;
  /// The page budget: memory the pool may hold at once, in use or idle.
  std::size_t max_bytes = unlimited;
  /// What this pool may hold together with others (page_budget.hpp). Must outlive the pool. Null: nothing in common.
  page_budget* common_budget = nullptr;
  /// Page sizes: powers of two from 4 KiB to 2 MiB, each larger than the one before.
  std::array<std::size_t, classes> class_bytes{std::size_t{16} << 10U, std::size_t{64} << 10U, std::size_t{256} << 10U};
  /// How an arena's pages grow: each page after the first is of the largest class that is at most so many percent of
  /// what its pages hold already. 0 (all further pages are of the smallest class) to 10,000; 100: an arena of large
  /// requests doubles. An allocation that needs a larger page gets one in any case.
  std::uint32_t growth_percent = 100;
  static constexpr std::uint32_t most_growth_percent = 10'000;
  /// The largest allocation that is made in a page: larger ones have a block of their own, where the current page has
  /// no room. 4 KiB to half the largest page; 0: a quarter of that.
  std::size_t largest_in_page_bytes = 0;
  /// Pages in one magazine of each class (1 to 4096); a thread keeps at most two magazines of a class, and one page.
  std::array<std::uint32_t, classes> magazine_pages{8, 4, 2};
  /// Idle memory kept for each class outside the magazines; what comes on top goes back to the system at once.
  std::size_t idle_cap_bytes = std::size_t{256} << 20U;
  /// Idle memory of each class that trim() and end_epoch() leave outside the magazines, in whole pages (so none of a
  /// class of larger ones).
  std::size_t idle_floor_bytes = std::size_t{128} << 10U;
  /// For how many epochs in a row idle memory must not have been needed before end_epoch() gives it back: 1 to 64.
  std::uint32_t idle_epochs = 5;
  static constexpr std::uint32_t most_idle_epochs = 64;
  /// Idle memory kept in blocks, which serve allocations too large for a page.
  std::size_t block_cache_bytes = std::size_t{64} << 20U;
  /// false: a page is never handed out twice while fresh addresses last, and faults (under ASan: is poisoned) once
  /// given back. Recycling hides use after free from sanitizers; this shows it.
  bool recycle = true;
  /// Every page and block that is given back is filled with this: whoever still reads it sees the pattern, and so does
  /// who reads recycled memory before writing. Costs as long as writing the page does. Nothing: left as it is.
  std::optional<std::byte> fill{};
  /// Told of everything that the pool's arenas do (allocation_recorder.hpp). Their allocations then take a call and
  /// some 20 instructions more each. Null: nobody.
  allocation_recorder* recorder = nullptr;
  /// How idle memory goes back. With `recycle` off by dontneed.
  memory_return return_by = memory_return::dontneed;
  huge_page_use huge_pages = huge_page_use::system;
};

/// How much memory of ended owners a quarantine keeps out of reach; see page_pool::start_quarantine().
struct quarantine_limits {
  /// Pages and blocks: 1 to 65,536.
  std::uint32_t pages = 1024;
  /// Their bytes, which stay committed; at least one page of the smallest class.
  std::size_t bytes = std::size_t{64} << 20U;
  /// Memory mappings that all quarantines of the process may cost (a page may cost two); 0: a quarter of
  /// vm.max_map_count.
  std::size_t mappings = 0;
};

}  // namespace mayfly
