#include "processors.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include <sched.h>

namespace mayfly::detail {
namespace {

std::string read_file(std::string const& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::optional<double> ratio(double quota, double period) {
  if (quota > 0 && period > 0) return quota / period;
  return std::nullopt;
}

/// cgroup v2: "max 100000" or "150000 100000".
std::optional<double> quota_v2(std::string const& folder) {
  std::istringstream text(read_file(folder + "/cpu.max"));
  double quota = 0;
  double period = 0;
  if (!(text >> quota >> period)) return std::nullopt;
  return ratio(quota, period);
}

/// cgroup v1: cfs_quota_us is -1 where there is none.
std::optional<double> quota_v1(std::string const& folder) {
  std::istringstream quota_text(read_file(folder + "/cpu.cfs_quota_us"));
  std::istringstream period_text(read_file(folder + "/cpu.cfs_period_us"));
  double quota = 0;
  double period = 0;
  if (!(quota_text >> quota) || !(period_text >> period)) return std::nullopt;
  return ratio(quota, period);
}

template <class Read>
std::optional<double> least_up_to_root(std::string const& mount, std::string path, Read read) {
  std::optional<double> least;
  for (;;) {
    if (auto const here = read(mount + path)) least = std::min(least.value_or(*here), *here);
    std::size_t const slash = path.rfind('/');
    if (slash == std::string::npos || path.empty()) return least;
    path.erase(slash);
  }
}

bool names_controller(std::string const& list, std::string const& name) {
  std::istringstream names(list);
  for (std::string one; std::getline(names, one, ',');) {
    if (one == name) return true;
  }
  return false;
}

std::size_t processors_in_mask() {
  // The mask's size is the kernel's choice: grow until it fits (it never fits 0 processors).
  for (std::size_t processors = 1024; processors <= (std::size_t{1} << 20); processors *= 2) {
    cpu_set_t* const mask = CPU_ALLOC(processors);
    if (mask == nullptr) break;
    std::size_t const bytes = CPU_ALLOC_SIZE(processors);
    int const failed = sched_getaffinity(0, bytes, mask);
    int const count = failed == 0 ? CPU_COUNT_S(bytes, mask) : 0;
    CPU_FREE(mask);
    if (count > 0) return static_cast<std::size_t>(count);
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

std::optional<double> cpu_quota(std::string const& cgroup_file, std::string const& mount) {
  std::istringstream lines(cgroup_file);
  for (std::string line; std::getline(lines, line);) {
    // "hierarchy:controllers:path"; v2 is hierarchy 0 with no controllers
    std::size_t const first = line.find(':');
    std::size_t const second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string const controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers.empty()) {
      if (auto const quota = least_up_to_root(mount, path, quota_v2)) return quota;
    } else if (names_controller(controllers, "cpu")) {
      if (auto const quota = least_up_to_root(mount + "/cpu", path, quota_v1)) return quota;
    }
  }
  return std::nullopt;
}

std::size_t usable_processors() {
  std::size_t const in_mask = processors_in_mask();
  auto const quota = cpu_quota(read_file("/proc/self/cgroup"), "/sys/fs/cgroup");
  if (!quota) return in_mask;
  auto const by_quota = static_cast<std::size_t>(std::max(1.0, std::ceil(*quota)));
  return std::min(in_mask, by_quota);
}

}  // namespace mayfly::detail
