#pragma once

#include <mayfly/trace/replay.hpp>

#include <random>

namespace mayfly::trace {

/// Settings drawn from all that are worth a try.
[[nodiscard]] replay_settings random_settings(replay_settings const& today, std::mt19937_64& random);

/// The same with one setting drawn anew.
[[nodiscard]] replay_settings neighbour_of(replay_settings const& of, std::mt19937_64& random);

}  // namespace mayfly::trace
