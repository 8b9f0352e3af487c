#include "timeline.hpp"

#include <algorithm>
#include <cstddef>
#include <tuple>

namespace mayfly::trace {

std::vector<step> timeline_of(trace const& of, unsigned thread, unsigned threads) {
  std::vector<step> steps;
  steps.reserve(2 * of.arenas().size() / threads);
  for (std::size_t i = 0; i < of.arenas().size(); ++i) {
    arena_life const& life = of.arenas()[i];
    if (life.opened_by % threads != thread) continue;
    auto const index = static_cast<std::uint32_t>(i);
    steps.push_back({life.opened_ns, index, step::opens});
    steps.push_back(
        {life.closed_ns, index, life.closed_ns > life.opened_ns ? step::closes_older : step::closes_its_own});
  }
  std::ranges::sort(steps, {}, [](step const& each) { return std::tuple{each.at_ns, each.kind, each.life}; });
  return steps;
}

}  // namespace mayfly::trace
