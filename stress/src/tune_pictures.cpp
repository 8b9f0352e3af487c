#include "tune_pictures.hpp"

#include "svg.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace mayfly::stress {
namespace {

using svg::anchor;
using svg::axis;
using svg::number;

constexpr double width = 860;
constexpr double height = 420;
constexpr double left = 80;
constexpr double right = 30;
constexpr double top = 60;
constexpr double bottom = 60;
constexpr double mib = 1024.0 * 1024.0;

struct spot {
  double memory;  // MiB
  double figure;
};

axis across(double least, double most) { return {least, most, left, width - left - right}; }
axis upwards(double least, double most) { return {least, most, height - bottom, -(height - bottom - top)}; }

/// From a little below the least to a little above the most: differences are small, and the marks say how small.
std::pair<double, double> around(std::vector<spot> const& spots, double spot::* figure) {
  auto const [least, most] = std::ranges::minmax(spots, {}, figure);
  double const room = std::max((most.*figure - least.*figure) * 0.15, most.*figure * 0.05 + 1e-9);
  return {std::max(least.*figure - room, 0.0), most.*figure + room};
}

bool is_recommended(trace::tuning_result const& found, trace::replay_settings const& settings) {
  return found.proof != trace::tuning_proof::nothing && same(settings, found.recommended);
}

/// Its number among those that were measured, from 1; 0: it was not.
std::size_t finalist_number(trace::tuning_result const& found, trace::replay_settings const& settings) {
  for (std::size_t i = 0; i < found.finalists.size(); ++i) {
    if (same(found.finalists[i].settings, settings)) return i + 1;
  }
  return 0;
}

spot spot_of(trace::tried_settings const& each) {
  auto const allocations = static_cast<double>(std::max<std::uint64_t>(each.memory.allocations, 1));
  return {each.mean_committed_bytes / mib, each.cost_ns / allocations};
}

/// Those that no other beats in both.
std::string front_of(std::vector<spot> spots, axis const& x, axis const& y) {
  std::ranges::sort(spots, {}, [](spot const& each) { return std::pair{each.memory, each.figure}; });
  std::string points;
  double best = std::numeric_limits<double>::max();
  for (spot const& each : spots) {
    if (each.figure >= best) continue;
    best = each.figure;
    points += number(x.at(each.memory), 1) + "," + number(y.at(each.figure), 1) + " ";
  }
  return "<polyline points=\"" + points + "\" fill=\"none\" stroke=\"var(--ink)\" stroke-dasharray=\"4 3\"/>\n";
}

/// Where an axis ends: beyond today's, but where one in ten settings would make all others a blot, short of those.
double end_of(std::vector<spot> const& spots, double spot::* figure) {
  std::vector<double> values;
  values.reserve(spots.size());
  for (spot const& each : spots) values.push_back(each.*figure);
  std::ranges::sort(values);
  double const usual = values[(values.size() - 1) * 9 / 10];
  return std::max(1.1 * std::max(usual, spots.front().*figure), 1e-9);
}

/// A part of what arenas took that nobody was given.
struct waste_part {
  char const* colour;
  char const* name;
  std::uint64_t trace::memory_figures::* bytes;
};
constexpr std::array waste_parts{
    waste_part{"one", "room in last pages", &trace::memory_figures::room_bytes},
    waste_part{"two", "ends of pages", &trace::memory_figures::tail_waste_bytes},
    waste_part{"three", "skipped at first pages", &trace::memory_figures::skipped_bytes},
    waste_part{"four", "rounding of blocks", &trace::memory_figures::oversize_slack_bytes},
};

double waste_of(trace::memory_figures const& memory, waste_part const& part) {
  return static_cast<double>(memory.*part.bytes) /
         static_cast<double>(std::max<std::uint64_t>(memory.reserved_bytes, 1));
}

/// What tells settings apart beside a bar.
std::string name_of(trace::tuning_result const& found, trace::tried_settings const& each) {
  std::string sizes;
  for (std::size_t const bytes : each.settings.pages.class_bytes) {
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(bytes / 1024);
  }
  sizes += " KiB";
  std::size_t const finalist = finalist_number(found, each.settings);
  if (&each == &found.tried.front()) return "today: " + sizes;
  if (is_recommended(found, each.settings)) return "recommended: " + sizes;
  return finalist != 0 ? "finalist " + std::to_string(finalist) + ": " + sizes : sizes;
}

/// Today's, what is recommended, the other finalists, and then the best of the rest that have a name of their own.
std::vector<trace::tried_settings const*> shown_waste(trace::tuning_result const& found) {
  constexpr std::size_t most = 8;
  std::vector<trace::tried_settings const*> shown;
  auto const add_where = [&](auto const& wanted) {
    for (trace::tried_settings const& each : found.tried) {
      std::string const name = name_of(found, each);
      bool const known = std::ranges::any_of(shown, [&](auto const* one) { return name_of(found, *one) == name; });
      if (shown.size() < most && !known && wanted(each)) shown.push_back(&each);
    }
  };
  add_where([&](trace::tried_settings const& each) { return &each == &found.tried.front(); });
  add_where([&](trace::tried_settings const& each) { return is_recommended(found, each.settings); });
  add_where([&](trace::tried_settings const& each) { return finalist_number(found, each.settings) != 0; });
  add_where([](trace::tried_settings const& each) { return each.fits; });
  return shown;
}

}  // namespace

std::string sizes_of(trace::replay_settings const& settings) {
  std::string text = "pages of";
  for (std::size_t const bytes : settings.pages.class_bytes) text += ' ' + std::to_string(bytes / 1024);
  text += " KiB, magazines of";
  for (std::uint32_t const pages : settings.pages.magazine_pages) text += ' ' + std::to_string(pages);
  return text;
}

std::string measured_picture(trace::tuning_result const& found) {
  std::vector<spot> spots{{found.today.peak_resident_bytes / mib, found.today.requests_per_s}};
  for (trace::measured_settings const& each : found.finalists) {
    spots.push_back({each.peak_resident_bytes / mib, each.requests_per_s});
  }
  auto const [least_memory, most_memory] = around(spots, &spot::memory);
  auto const [least_figure, most_figure] = around(spots, &spot::figure);
  axis const x = across(least_memory, most_memory);
  axis const y = upwards(least_figure, most_figure);
  std::string to = svg::begin(width, height, "Measured requests a second against resident memory");
  to += svg::legend(left + 6, 14, {{"two", "today"}, {"one", "recommended"}, {"three", "other finalists"}});
  to += svg::frame(x, y, "peak resident memory, MiB (medians; the axes do not begin at 0)",
                   "requests' memory a second: further up and to the left is better");
  for (std::size_t i = 0; i < spots.size(); ++i) {
    trace::replay_settings const& of = i == 0 ? found.today.settings : found.finalists[i - 1].settings;
    bool const best = i != 0 && is_recommended(found, of);
    double const radius = i == 0 || best ? 8 : 6;
    to += svg::spot(x.at(spots[i].memory), y.at(spots[i].figure), radius,
                    i == 0 ? "two"
                    : best ? "one"
                           : "three",
                    sizes_of(of));
    std::string const name = i == 0 ? "today" : best ? "recommended" : "finalist " + std::to_string(i);
    bool const at_edge = spots[i].memory > (least_memory + 3 * most_memory) / 4;
    to += svg::text(x.at(spots[i].memory) + (at_edge ? -12 : 12), y.at(spots[i].figure) + 4 - 12,
                    at_edge ? anchor::end : anchor::start, name);
  }
  return to + svg::end();
}

std::string model_picture(trace::tuning_result const& found) {
  std::vector<spot> spots;
  spots.reserve(found.tried.size());
  for (trace::tried_settings const& each : found.tried) spots.push_back(spot_of(each));
  if (spots.empty()) return "<p>Nothing was tried.</p>\n";
  auto const [least_memory, most_memory] = around(spots, &spot::memory);
  auto const [least_figure, most_figure] = around(spots, &spot::figure);
  axis const x = across(least_memory, std::min(most_memory, end_of(spots, &spot::memory)));
  axis const y = upwards(least_figure, std::min(most_figure, end_of(spots, &spot::figure)));
  auto const beyond = [&](spot const& each) { return !x.has(each.memory) || !y.has(each.figure); };
  std::vector<spot> shown = spots;
  std::erase_if(shown, beyond);
  std::string to = svg::begin(width, height, "Cost against memory of every setting, by the model");
  to += svg::legend(left + 6, 14,
                    {{"two", "today"},
                     {"one", "recommended"},
                     {"three", "measured", svg::swatch::hollow},
                     {"dot", "tried"},
                     {"ink", "none beats these in both", svg::swatch::dashed}});
  to += svg::frame(x, y, "memory held on average, MiB (model; the axes do not begin at 0)",
                   "ns an allocation for pages and blocks (model): further down and to the left is better");
  to += front_of(shown, x, y);
  // From the many to the few that matter, so that these lie on top.
  for (std::size_t i = spots.size(); i-- > 0;) {
    if (beyond(spots[i])) continue;
    trace::replay_settings const& of = found.tried[i].settings;
    bool const best = is_recommended(found, of);
    std::size_t const finalist = finalist_number(found, of);
    double const at_x = x.at(spots[i].memory);
    double const at_y = y.at(spots[i].figure);
    if (i == 0 || best) {
      to += svg::spot(at_x, at_y, 7, i == 0 ? "two" : "one", (i == 0 ? "today: " : "recommended: ") + sizes_of(of));
    } else {
      to += svg::spot(at_x, at_y, 3.5, "dot", sizes_of(of));
    }
    if (finalist != 0) to += svg::spot(at_x, at_y, 9, "three", "finalist " + std::to_string(finalist), true);
  }
  std::size_t const left_out = spots.size() - shown.size();
  if (left_out != 0) {
    to +=
        svg::text(width - right, height - 8, anchor::end, std::to_string(left_out) + " lie beyond the edges", "faint");
  }
  return to + svg::end();
}

std::string waste_picture(trace::tuning_result const& found) {
  std::vector<trace::tried_settings const*> const shown =
      found.tried.empty() ? std::vector<trace::tried_settings const*>{} : shown_waste(found);
  double most = 0.01;
  for (trace::tried_settings const* each : shown) {
    double all = 0;
    for (waste_part const& part : waste_parts) all += waste_of(each->memory, part);
    most = std::max(most, all);
  }
  constexpr double row = 34;
  constexpr double first = 40;
  axis const x{0, most, 350, 430};
  std::string to = svg::begin(width, first + row * static_cast<double>(shown.size()) + 8, "Waste of each setting");
  std::vector<svg::swatch> swatches;
  swatches.reserve(waste_parts.size());
  for (waste_part const& part : waste_parts) swatches.push_back({part.colour, part.name});
  to += svg::legend(90, 14, swatches);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    trace::tried_settings const& each = *shown[i];
    double const y = first + row * static_cast<double>(i);
    double sum = 0;
    for (waste_part const& part : waste_parts) {
      double const of_all = waste_of(each.memory, part);
      to += svg::bar(x.at(sum), y, x.at(of_all) - x.from, 20, part.colour,
                     std::string(part.name) + ": " + number(100 * of_all, 1) + " %");
      sum += of_all;
    }
    to += svg::text(x.from - 10, y + 15, anchor::end, name_of(found, each));
    to += svg::text(x.at(sum) + 8, y + 15, anchor::start, number(100 * sum, 1) + " %", "faint");
  }
  return to + svg::end();
}

}  // namespace mayfly::stress
