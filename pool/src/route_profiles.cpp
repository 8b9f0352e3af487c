#include <mayfly/detail/route_profiles.hpp>

#include <algorithm>

namespace mayfly::detail {

first_page_costs::holding first_page_costs::held_by(page_pool const& pages, std::size_t c, std::size_t bytes) noexcept {
  holding held;
  while (held.bytes < bytes) {
    std::size_t wanted = 1;
    if (held.pages != 0) {
      // As arena::take_from_page() grows: of one class until so much is held that the next one's turn has come.
      c = page_pool::classes - 1;
      while (c > 0 && pages.grows_from(c) > held.bytes) --c;
      wanted = (c + 1 < page_pool::classes ? std::min(bytes, pages.grows_from(c + 1)) : bytes) - held.bytes;
    }
    std::size_t const page_bytes = pages.class_bytes(c);
    std::size_t const count = (wanted + page_bytes - 1) / page_bytes;
    held.pages += count;
    held.bytes += count * page_bytes;
  }
  return held;
}

first_page_costs::first_page_costs(page_pool const& pages) noexcept {
  for (std::size_t c = 0; c < page_pool::classes; ++c) {
    for (std::size_t i = 0; i < size_buckets::count; ++i) {
      std::size_t const bytes = size_buckets::most_bytes(i);
      holding const held = held_by(pages, c, bytes);
      cost_bytes_[c][i] = held.bytes - bytes + held.pages * page_cost_bytes;
    }
  }
}

std::size_t first_page_costs::cheapest(size_counts const& sizes) const noexcept {
  std::array<std::uint64_t, page_pool::classes> costs{};
  for (std::size_t i = 0; i < size_buckets::count; ++i) {
    if (sizes.of[i] == 0) continue;
    for (std::size_t c = 0; c < page_pool::classes; ++c) costs[c] += sizes.of[i] * cost_bytes_[c][i];
  }
  return static_cast<std::size_t>(std::min_element(costs.begin(), costs.end()) - costs.begin());
}

first_page_worth first_page_costs::worth_of(page_pool const& pages, std::size_t c, size_counts const& sizes) noexcept {
  first_page_worth worth{.page_bytes = pages.class_bytes(c)};
  double requests = 0;
  double in_one_page = 0;
  double held_pages = 0;
  double held_bytes = 0;
  double used_bytes = 0;
  for (std::size_t i = 0; i < size_buckets::count; ++i) {
    if (sizes.of[i] == 0) continue;
    auto const count = static_cast<double>(sizes.of[i]);
    holding const held = held_by(pages, c, size_buckets::most_bytes(i));
    requests += count;
    if (held.pages == 1) in_one_page += count;
    held_pages += count * static_cast<double>(held.pages);
    held_bytes += count * static_cast<double>(held.bytes);
    used_bytes += count * static_cast<double>(size_buckets::most_bytes(i));
  }
  if (requests == 0) return worth;
  worth.one_page_part = in_one_page / requests;
  worth.unused_part = (held_bytes - used_bytes) / held_bytes;
  worth.pages_per_request = held_pages / requests;
  worth.cost_bytes = (held_bytes - used_bytes + held_pages * page_cost_bytes) / requests;
  return worth;
}

void route_profile::window::clear() noexcept {
  bumped.clear();
  all.clear();
  requests.store(0, std::memory_order_relaxed);  // relaxed: a figure
}

void route_profile::add_to(size_counts& bumped, size_counts& all) const noexcept {
  for (window const& one : windows_) {
    one.bumped.add_to(bumped);
    one.all.add_to(all);
  }
}

/// What 95 of 100 of these requests kept within.
std::size_t route_profile::kept_within(size_counts const& all) noexcept {
  auto const sized = static_cast<double>(all.count());
  auto const without = static_cast<double>(all.zeros);
  double const wanted = 0.95 * (sized + without) - without;
  return wanted <= 0 ? 0 : all.quantile(wanted / sized);
}

route_profiles::route_profiles(cycle_clock const& clock, first_page_costs const& costs,
                               std::size_t default_class) noexcept
    : clock_{clock},
      costs_{costs},
      window_ticks_{clock.to_ticks(window)},
      default_class_{static_cast<std::uint32_t>(default_class)},
      profiles_{most_routes} {}

route_profile* route_profiles::find_or_add(std::string_view route, cycle_clock::ticks now) noexcept {
  std::size_t const home = home_of(route);
  for (std::size_t probe = 0; probe < probes; ++probe) {
    route_profile& here = profiles_[(home + probe) % most_routes];
    if (is(here, route)) return &here;
    if (here.used_.load(std::memory_order_relaxed)) continue;  // relaxed: as in is()
    here.name_ = route.data();
    here.name_bytes_ = route.size();
    here.started_ = now != 0 ? now : clock_.now();
    here.first_class_.store(default_class_, std::memory_order_relaxed);  // relaxed: ordered by used_
    // sync route-profile: release; pairs with for_each(); publishes the name
    here.used_.store(true, std::memory_order_release);
    return &here;
  }
  return nullptr;
}

/// Chooses anew: a window that is over decides alone and takes the older one's place.
void route_profiles::decide(route_profile& of, bool window_over, cycle_clock::ticks now) noexcept {
  std::uint32_t const older = 1 - of.present_;
  if (window_over) of.windows_[older].clear();
  choose(of);
  if (!window_over) return;
  of.present_ = older;
  of.started_ = now;
}

void route_profiles::choose(route_profile& of) noexcept {
  size_counts bumped;
  size_counts all;
  of.add_to(bumped, all);
  of.forecast_bytes_ = route_profile::kept_within(all);
  if (bumped.count() == 0) return;
  // relaxed: a hint that stands for itself
  of.first_class_.store(static_cast<std::uint32_t>(costs_.cheapest(bumped)), std::memory_order_relaxed);
}

void route_profiles::add_to_stats(std::vector<route_sums>& sums) const {
  for_each([&](std::string_view route, route_profile const& profile) {
    auto line = std::find_if(sums.begin(), sums.end(), [&](route_sums const& one) { return one.route == route; });
    if (line == sums.end()) line = sums.insert(line, route_sums{.route = route});
    line->requests += profile.requests();
    line->first_class = std::max(line->first_class, profile.first_class());
    profile.add_to(line->bumped, line->all);
  });
}

}  // namespace mayfly::detail
