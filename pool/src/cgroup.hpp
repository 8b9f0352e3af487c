#pragma once

#include <string>
#include <vector>

namespace mayfly::detail {

/// A control group that the process is in, as a folder.
struct cgroup_folder {
  std::string path;
  bool unified;  ///< cgroup v2's hierarchy; v1's files have other names
};

/// The groups that limit what `controller` ("cpu", "memory") hands out to this process: its own, and those around it up
/// to the hierarchies' roots. `cgroup_file` is the text of /proc/self/cgroup and `mount` where the hierarchies are
/// (tests give their own). Folders need not exist: in a container the text may name what is outside it.
[[nodiscard]] std::vector<cgroup_folder> cgroup_folders(std::string const& cgroup_file, std::string const& mount,
                                                        std::string const& controller);

/// What is in a file; nothing where it cannot be read.
[[nodiscard]] std::string read_file(std::string const& path);

inline constexpr char const* own_cgroups = "/proc/self/cgroup";
inline constexpr char const* cgroup_mount = "/sys/fs/cgroup";

}  // namespace mayfly::detail
