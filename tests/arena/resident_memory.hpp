#pragma once

#include <mayfly/page_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sys/mman.h>

namespace mayfly::test {

/// What /proc/self/smaps says is resident of the pool's reservation. The kernel may have joined a mapping at its edge
/// with a neighbour's: a mark that the neighbour has not (to be left out of core dumps) parts them meanwhile.
inline std::size_t smaps_bytes(page_pool const& pool) {
  auto const first = reinterpret_cast<std::uintptr_t>(pool.page_address(0));
  std::uintptr_t const last = first + pool.reserved_bytes();
  if (::madvise(pool.page_address(0), pool.reserved_bytes(), MADV_DONTDUMP) != 0) throw std::runtime_error{"madvise"};
  std::ifstream smaps{"/proc/self/smaps"};
  std::size_t sum = 0;
  bool ours = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long start = 0;
    unsigned long end = 0;
    std::size_t kibibytes = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2) {
      ours = start >= first && end <= last;
    } else if (ours && std::sscanf(line.c_str(), "Rss: %zu kB", &kibibytes) == 1) {
      sum += kibibytes * 1024;
    }
  }
  ::madvise(pool.page_address(0), pool.reserved_bytes(), MADV_DODUMP);
  return sum;
}

}  // namespace mayfly::test
