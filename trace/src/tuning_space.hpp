#pragma once

#include <mayfly/trace/replay.hpp>

#include <random>
#include <span>
#include <vector>

namespace mayfly::trace {

/// One thing that tune() may change.
struct dimension {
  /// Draws it anew, from all that is worth a try.
  void (*draw)(replay_settings& in, std::mt19937_64& random);
  /// Makes it as it is there.
  void (*copy)(replay_settings& to, replay_settings const& from);
  bool (*agree)(replay_settings const& a, replay_settings const& b);
};

/// All that the model knows; in this order they may be copied one by one.
[[nodiscard]] std::span<dimension const> dimensions() noexcept;

/// The same with each other use of huge pages that may be faster. The model knows nothing of them: only measuring
/// tells.
[[nodiscard]] std::vector<replay_settings> with_other_huge_pages(replay_settings const& of);

/// Settings drawn from all that are worth a try.
[[nodiscard]] replay_settings random_settings(replay_settings const& today, std::mt19937_64& random);

/// The same with one dimension drawn anew.
[[nodiscard]] replay_settings neighbour_of(replay_settings const& of, std::mt19937_64& random);

/// The same, but as `today` in this dimension; nothing else is changed but what would not go together with that.
[[nodiscard]] replay_settings with(replay_settings const& of, dimension const& as_in, replay_settings const& today);

}  // namespace mayfly::trace
