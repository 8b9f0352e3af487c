#include "replay_figures.hpp"

#include <algorithm>
#include <stdexcept>

namespace mayfly::trace {

unsigned threads_of(trace const& of, replay_settings const& settings) {
  if (settings.threads > most_replay_threads)
    throw std::invalid_argument("replay_settings::threads must be at most 1024");
  return settings.threads != 0 ? settings.threads : std::clamp(of.threads(), 1U, most_replay_threads);
}

void add_pool_figures(page_pool const& pages, std::uint64_t returned_bytes, memory_figures& to) {
  page_pool_stats const seen = pages.stats();
  for (std::size_t c = 0; c < seen.classes.size(); ++c) {
    to.pages[c].from_depot = seen.classes[c].from_depot;
    to.pages[c].from_system = seen.classes[c].from_system;
  }
  to.blocks_from_cache = seen.blocks_from_cache;
  to.blocks_from_system = seen.blocks_from_system;
  to.returned_bytes = returned_bytes;
  to.peak_committed_bytes = seen.peak_committed_bytes;
}

void add(memory_figures& to, memory_figures const& more) noexcept {
  to.arenas += more.arenas;
  to.allocations += more.allocations;
  to.refused += more.refused;
  to.handed_out_bytes += more.handed_out_bytes;
  to.tail_waste_bytes += more.tail_waste_bytes;
  to.room_bytes += more.room_bytes;
  to.skipped_bytes += more.skipped_bytes;
  to.oversize_slack_bytes += more.oversize_slack_bytes;
  to.reserved_bytes += more.reserved_bytes;
  for (std::size_t c = 0; c < to.pages.size(); ++c) to.pages[c].taken += more.pages[c].taken;
}

}  // namespace mayfly::trace
