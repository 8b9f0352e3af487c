#pragma once

#include <mayfly/stress/stress_command.hpp>
#include <mayfly/trace/replay.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace mayfly::stress {

/// Settings of memory as they are said; what is not said stays as it was recorded.
struct memory_settings {
  std::optional<std::array<std::size_t, page_pool_options::classes>> class_bytes;
  std::optional<std::uint32_t> growth_percent;
  std::optional<std::size_t> largest_in_page_bytes;  ///< 0: a quarter of the largest page
  std::optional<std::array<std::uint32_t, page_pool_options::classes>> magazine_pages;
  std::optional<std::size_t> first_page_bytes;  ///< 0: adaptive
  std::optional<std::size_t> idle_floor_bytes;
  std::optional<std::size_t> idle_cap_bytes;
  std::optional<std::uint32_t> idle_epochs;
  std::optional<std::size_t> block_cache_bytes;
  std::optional<std::size_t> max_bytes;  ///< 0: no limit
  std::optional<memory_return> return_by;
  std::optional<huge_page_use> huge_pages;
  std::optional<std::chrono::nanoseconds> epoch;
};

/// What `mayfly-stress replay` is told.
struct replay_options {
  std::string trace;
  bool simulate = false;
  bool real_time = false;
  unsigned threads = 0;
  memory_settings memory;
  bool json = false;
  bool quiet = false;
};

/// What was in force when the trace was recorded, but for what is said. Throws usage_error where a first page is none
/// of the classes.
[[nodiscard]] trace::replay_settings settings_for(trace::trace const& of, memory_settings const& said);

/// `mayfly-stress replay`, from options to exit code.
[[nodiscard]] exit_code replay_command(replay_options const& options, std::atomic<bool> const& stop);

}  // namespace mayfly::stress
