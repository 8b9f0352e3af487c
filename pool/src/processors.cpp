#include "processors.hpp"

#include "cgroup.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <thread>

#include <sched.h>

namespace mayfly::detail {
namespace {

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
  std::optional<double> least;
  for (cgroup_folder const& group : cgroup_folders(cgroup_file, mount, "cpu")) {
    auto const here = group.unified ? quota_v2(group.path) : quota_v1(group.path);
    if (here) least = std::min(least.value_or(*here), *here);
  }
  return least;
}

std::size_t usable_processors() {
  std::size_t const in_mask = processors_in_mask();
  auto const quota = cpu_quota(read_file(own_cgroups), cgroup_mount);
  if (!quota) return in_mask;
  auto const by_quota = static_cast<std::size_t>(std::max(1.0, std::ceil(*quota)));
  return std::min(in_mask, by_quota);
}

}  // namespace mayfly::detail
