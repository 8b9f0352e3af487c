#pragma once

#include "first_pages.hpp"
#include "timeline.hpp"
#include <mayfly/trace/replay.hpp>
#include <mayfly/trace/trace.hpp>

#include <cstddef>
#include <vector>

namespace mayfly::trace {

/// What every simulation of a trace goes by, made once: its steps in order, and whose each arena is.
struct script {
  explicit script(trace const& played) : of{played}, steps{timeline_of(played, 0, 1)}, routes{played} {}

  trace const& of;
  std::vector<step> steps;
  life_routes routes;
};

/// As simulate() of the trace, its first `steps` steps only (all, where there are fewer). Arenas that are still open
/// then are in no sum.
[[nodiscard]] simulation simulate(script const& of, replay_settings const& settings, std::size_t steps);

}  // namespace mayfly::trace
