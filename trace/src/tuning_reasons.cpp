#include <mayfly/trace/tune.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace mayfly::trace {
namespace {

std::string kib(std::uint64_t bytes) { return std::to_string(bytes / 1024) + " KiB"; }

std::string mib(double bytes) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f MiB", bytes / (1024 * 1024));
  return text.data();
}

template <class Numbers>
std::string list(Numbers const& numbers, std::uint64_t unit) {
  std::string text;
  for (auto const each : numbers) text += (text.empty() ? "" : ", ") + std::to_string(each / unit);
  return text;
}

std::uint64_t pages_taken(memory_figures const& of) {
  return of.pages[0].taken + of.pages[1].taken + of.pages[2].taken;
}
std::uint64_t from_depot(memory_figures const& of) {
  return of.pages[0].from_depot + of.pages[1].from_depot + of.pages[2].from_depot;
}
double wasted(memory_figures const& of) {
  return static_cast<double>(of.tail_waste_bytes + of.room_bytes + of.skipped_bytes);
}

std::string class_text(std::optional<std::size_t> first, page_pool_options const& pages) {
  return first ? kib(pages.class_bytes[*first]) : "by route";
}

}  // namespace

std::vector<std::string> reasons(tuning_result const& found) {
  std::vector<std::string> said;
  if (!found.better || found.tried.empty()) return said;
  replay_settings const& best = found.finalists.front().settings;
  replay_settings const& today = found.today.settings;
  tried_settings const& before = found.tried.front();
  auto const after = std::ranges::find_if(found.tried, [&](tried_settings const& each) {
    return each.settings.pages.class_bytes == best.pages.class_bytes &&
           each.settings.pages.magazine_pages == best.pages.magazine_pages &&
           each.settings.first_class == best.first_class &&
           each.settings.pages.idle_cap_bytes == best.pages.idle_cap_bytes &&
           each.settings.pages.block_cache_bytes == best.pages.block_cache_bytes;
  });
  if (after == found.tried.end()) return said;
  memory_figures const& was = before.memory;
  memory_figures const& is = after->memory;
  if (best.pages.class_bytes != today.pages.class_bytes) {
    said.push_back("Pages of " + list(best.pages.class_bytes, 1024) + " KiB instead of " +
                   list(today.pages.class_bytes, 1024) + ": requests take " + std::to_string(pages_taken(is)) +
                   " of them instead of " + std::to_string(pages_taken(was)) + ", and " + mib(wasted(is)) +
                   " of all that they take lie unused instead of " + mib(wasted(was)) + ".");
  }
  if (best.first_class != today.first_class) {
    said.push_back("First pages of " + class_text(best.first_class, best.pages) + " instead of " +
                   class_text(today.first_class, today.pages) + ": that is where most of these requests end.");
  }
  if (best.pages.magazine_pages != today.pages.magazine_pages) {
    said.push_back("Magazines of " + list(best.pages.magazine_pages, 1) + " pages instead of " +
                   list(today.pages.magazine_pages, 1) + ": threads go to the depot " + std::to_string(from_depot(is)) +
                   " times instead of " + std::to_string(from_depot(was)) + ".");
  }
  bool const retention = best.pages.idle_floor_bytes != today.pages.idle_floor_bytes ||
                         best.pages.idle_cap_bytes != today.pages.idle_cap_bytes ||
                         best.pages.idle_epochs != today.pages.idle_epochs;
  if (retention) {
    said.push_back("Of idle pages " + kib(best.pages.idle_floor_bytes) + " to " + kib(best.pages.idle_cap_bytes) +
                   " stay for " + std::to_string(best.pages.idle_epochs) + " epochs, instead of " +
                   kib(today.pages.idle_floor_bytes) + " to " + kib(today.pages.idle_cap_bytes) + " for " +
                   std::to_string(today.pages.idle_epochs) + ": " + mib(after->mean_committed_bytes) +
                   " are held on average instead of " + mib(before.mean_committed_bytes) + ".");
  }
  if (best.pages.block_cache_bytes != today.pages.block_cache_bytes) {
    said.push_back("Idle blocks of up to " + kib(best.pages.block_cache_bytes) + " instead of " +
                   kib(today.pages.block_cache_bytes) + ": " + std::to_string(is.blocks_from_system) +
                   " come from the system instead of " + std::to_string(was.blocks_from_system) + ".");
  }
  return said;
}

}  // namespace mayfly::trace
