#pragma once

#include <mayfly/stress/replay_command.hpp>
#include <mayfly/trace/replay.hpp>

#include <optional>
#include <string>

namespace mayfly::stress {

/// What a replay or a simulation came to: one of the two.
struct replay_result {
  replay_options options;
  trace::replay_settings settings;
  trace::totals counted;
  unsigned threads = 0;
  std::optional<trace::simulation> simulated{};
  std::optional<trace::replay_report> real{};

  [[nodiscard]] trace::memory_figures const& memory() const noexcept {
    return simulated ? simulated->memory : real->memory;
  }
  [[nodiscard]] std::chrono::nanoseconds took() const noexcept { return simulated ? simulated->took : real->took; }
  [[nodiscard]] bool whole() const noexcept { return simulated ? simulated->whole : real->whole; }
};

/// For people, several lines.
[[nodiscard]] std::string replay_table(replay_result const& result);
/// One JSON object with a line feed; docs/tuning.md lists its keys.
[[nodiscard]] std::string replay_json(replay_result const& result);

}  // namespace mayfly::stress
