#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace mayfly::detail {

/// How many threads can run at once here: the smaller of this process's affinity mask and its cgroup's CPU quota
/// rounded up, at least 1. oneTBB looks at the mask only.
[[nodiscard]] std::size_t usable_processors();

/// The number of processors' worth of time that the cgroup hierarchy allows: cgroup v2's cpu.max or v1's
/// cpu.cfs_quota_us, the least one on the way from the process's group to the root. `cgroup_file` is the text of
/// /proc/self/cgroup and `mount` the path of the hierarchy (tests give their own). Nothing where there is no quota.
[[nodiscard]] std::optional<double> cpu_quota(std::string const& cgroup_file, std::string const& mount);

}  // namespace mayfly::detail
