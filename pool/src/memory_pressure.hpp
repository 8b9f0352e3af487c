#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mayfly::detail {

/// Whether memory is short where this process runs, as the kernel tells: by its control groups' limits (v2's
/// memory.high and memory.max; v1's soft and hard limit) and by pressure stall information, the part of the time in
/// which some task waited for memory (Documentation/accounting/psi.rst). Files that are not there say nothing.
class memory_pressure {
 public:
  /// Of what a group may take, caches that can go at once left out.
  static constexpr double short_part = 0.9;
  /// Of the last 10 seconds, in per cent.
  static constexpr double stalled_percent = 10;

  /// `cgroup_file`: the text of /proc/self/cgroup; `mount`: where the hierarchies are; `system`: /proc/pressure/memory.
  memory_pressure(std::string const& cgroup_file, std::string const& mount, std::string system);
  /// This process's.
  memory_pressure();

  /// Reads some small files: system calls, some 10 us each; no heap. One thread at a time.
  [[nodiscard]] bool is_short() const noexcept;

 private:
  /// The files of one group.
  struct group {
    std::string usage;
    std::string soft_limit;
    std::string hard_limit;
    std::string stat;
    std::string inactive_key;  ///< of the line in `stat` that says how much could go at once
    std::string pressure;      ///< v2 only
  };

  [[nodiscard]] static group files_of(std::string const& folder, bool unified);
  [[nodiscard]] static bool near_limit(group const& of) noexcept;

  std::vector<group> groups_;
  std::string system_;
};

}  // namespace mayfly::detail
