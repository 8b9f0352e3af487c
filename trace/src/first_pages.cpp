#include "first_pages.hpp"

#include <unordered_map>

namespace mayfly::trace {

life_routes::life_routes(trace const& of) : routes_(of.arenas().size(), none) {
  std::unordered_map<std::uint64_t, std::uint32_t> waiting;  // requests whose first arena has not come
  for (request const& each : of.requests()) waiting.emplace(each.id, each.route);
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    auto const found = waiting.find(of.arenas()[i].request);
    if (found == waiting.end()) continue;
    routes_[i] = found->second;
    waiting.erase(found);
  }
}

first_pages::first_pages(trace const& of, life_routes const& routes, replay_settings const& settings,
                         detail::first_page_costs const& costs)
    : of_{of}, routes_{routes}, fixed_{settings.first_class}, profiles_{clock_, costs, 0} {}

std::size_t first_pages::class_for(std::uint32_t life, std::uint64_t now_ns) noexcept {
  if (routes_[life] == life_routes::none) return of_.arenas()[life].first_class;
  if (fixed_) return *fixed_;
  detail::route_profile const* const known = profile_of(life, now_ns);
  return known == nullptr ? 0 : known->first_class();
}

void first_pages::learn(std::uint32_t life, arena const& ended, std::uint64_t now_ns) noexcept {
  if (fixed_ || routes_[life] == life_routes::none) return;
  detail::route_profile* const known = profile_of(life, now_ns);
  if (known == nullptr) return;
  profiles_.record(*known, ended.bumped_bytes(), ended.reserved_bytes() - ended.room_bytes(), ticks_at(now_ns));
}

detail::route_profile* first_pages::profile_of(std::uint32_t life, std::uint64_t now_ns) noexcept {
  return profiles_.find(of_.routes()[routes_[life]], ticks_at(now_ns));
}

detail::cycle_clock::ticks first_pages::ticks_at(std::uint64_t now_ns) const noexcept {
  return clock_.to_ticks(std::chrono::nanoseconds{now_ns}) + 1;  // 0 stands for no reading
}

}  // namespace mayfly::trace
