#include "resident_memory.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace mayfly::trace {
namespace {

/// The kernel's peak; 0 where it does not tell.
std::size_t kernel_peak() {
  std::ifstream status{"/proc/self/status"};
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib << 10U;
  }
  return 0;
}

}  // namespace

resident_meter::resident_meter() noexcept
    : statm_{::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)},
      page_bytes_{static_cast<std::size_t>(sysconf(_SC_PAGESIZE))} {}

resident_meter::~resident_meter() {
  if (statm_ >= 0) ::close(statm_);
}

std::size_t resident_meter::now() const noexcept {
  std::array<char, 128> text;
  ssize_t const length = statm_ < 0 ? -1 : ::pread(statm_, text.data(), text.size(), 0);
  if (length <= 0) return 0;
  std::string_view const line{text.data(), static_cast<std::size_t>(length)};
  std::size_t const second = line.find(' ') + 1;  // the first is the size of all addresses
  std::size_t pages = 0;
  std::from_chars(line.data() + second, line.data() + line.size(), pages);
  return pages * page_bytes_;
}

void peak_meter::start(std::size_t resident) {
  // The kernel's two figures are a few hundred KiB apart: threads tell it of what they take in batches.
  constexpr std::size_t apart = std::size_t{1} << 20U;
  most_seen_ = resident;
  bool const taken = static_cast<bool>(std::ofstream{clear_refs_} << 5 << std::flush);
  std::size_t const left = kernel_peak();
  exact_ = taken && left != 0 && left <= resident + apart;
}

std::size_t peak_meter::peak() const { return exact_ ? std::max(kernel_peak(), most_seen_) : most_seen_; }

}  // namespace mayfly::trace
