#pragma once

#include <mayfly/page_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace mayfly::test {

/// System pages of [start, end) that are there, in bytes.
inline std::size_t resident_bytes(std::uintptr_t start, std::uintptr_t end) {
  if (start >= end) return 0;
  auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> flags((end - start) / page);
  if (::mincore(reinterpret_cast<void*>(start), end - start, flags.data()) != 0) throw std::runtime_error{"mincore"};
  return page * static_cast<std::size_t>(std::count_if(flags.begin(), flags.end(), [](auto f) { return f & 1U; }));
}

/// What /proc/self/smaps says is resident of the pool's reservation. Where the kernel has joined a mapping at its edge
/// with a neighbour's, the neighbour's part is taken off.
inline std::size_t smaps_bytes(page_pool const& pool) {
  auto const first = reinterpret_cast<std::uintptr_t>(pool.page_address(0));
  std::uintptr_t const last = first + pool.reserved_bytes();
  std::ifstream smaps{"/proc/self/smaps"};
  std::size_t sum = 0;
  std::uintptr_t start = 0;
  std::uintptr_t end = 0;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    std::size_t kibibytes = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) {
      start = from;
      end = to;
    } else if (std::sscanf(line.c_str(), "Rss: %zu kB", &kibibytes) == 1 && start < last && end > first) {
      sum += kibibytes * 1024;
      sum -= resident_bytes(start, std::min(end, first)) + resident_bytes(std::max(start, last), end);
    }
  }
  return sum;
}

}  // namespace mayfly::test
