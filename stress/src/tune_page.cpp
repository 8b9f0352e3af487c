#include <mayfly/programs/quantities.hpp>
#include <mayfly/stress/tune_report.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

namespace mayfly::stress {

namespace {

constexpr char const* style = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --faint: #8a939e; --line: #d5dae0; --one: #2b6cb0;
  --two: #c05621; --dot: #a9b4c0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --paper: #14171a; --faint: #8a939e; --line: #363c43;
  --one: #63b3ed; --two: #f6ad55; --dot: #56606b; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: .3rem .9rem; text-align: right; border-bottom: 1px solid var(--line); }
td:first-child, th:first-child { text-align: left; }
svg { width: 100%; height: auto; } text { fill: var(--ink); font: 13px system-ui, sans-serif; } .faint { fill: var(--faint); }
.verdict { font-size: 1.1rem; font-weight: 600; } code { font-size: .9em; }
)";

constexpr double left = 70;
constexpr double right = 20;
constexpr double top = 20;
constexpr double bottom = 50;
constexpr double width = 860;
constexpr double height = 380;

/// With so many digits behind the point.
std::string number(double value, int digits) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string percent(double part) { return number(100 * part, 1) + " %"; }

std::string escaped(std::string const& text) {
  std::string to;
  for (char const c : text) {
    switch (c) {
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '&':
        to += "&amp;";
        break;
      case '"':
        to += "&quot;";
        break;
      default:
        to += c;
    }
  }
  return to;
}

std::string text_at(double x, double y, char const* anchor, std::string const& text, char const* kind = "") {
  return "<text x=\"" + number(x, 1) + "\" y=\"" + number(y, 1) + "\" text-anchor=\"" + anchor + "\" class=\"" + kind +
         "\">" + escaped(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2) {
  return "<line x1=\"" + number(x1, 1) + "\" y1=\"" + number(y1, 1) + "\" x2=\"" + number(x2, 1) + "\" y2=\"" +
         number(y2, 1) + "\" stroke=\"var(--line)\"/>\n";
}

/// Values from 0 to a little above the largest, on so many pixels.
struct axis {
  double most;
  double from;
  double length;
  [[nodiscard]] double at(double value) const { return from + length * value / most; }
};

struct spot {
  double memory;  // MiB
  double cost;    // ns an allocation, by the model
};

spot spot_of(trace::tried_settings const& each) {
  auto const allocations = static_cast<double>(std::max<std::uint64_t>(each.memory.allocations, 1));
  return {each.mean_committed_bytes / (1024 * 1024), each.cost_ns / allocations};
}

std::string circle(double x, double y, double radius, char const* fill, std::string const& title) {
  return "<circle cx=\"" + number(x, 1) + "\" cy=\"" + number(y, 1) + "\" r=\"" + number(radius, 1) + "\" fill=\"" +
         fill + "\"><title>" + escaped(title) + "</title></circle>\n";
}

std::string sizes_of(trace::replay_settings const& settings) {
  std::string text = "pages of";
  for (std::size_t const bytes : settings.pages.class_bytes) text += ' ' + std::to_string(bytes / 1024);
  text += " KiB, magazines of";
  for (std::uint32_t const pages : settings.pages.magazine_pages) text += ' ' + std::to_string(pages);
  return text;
}

bool is_best(trace::tuning_result const& found, trace::tried_settings const& each) {
  if (!found.better) return false;
  trace::replay_settings const& best = found.finalists.front().settings;
  return each.settings.pages.class_bytes == best.pages.class_bytes &&
         each.settings.pages.magazine_pages == best.pages.magazine_pages &&
         each.settings.first_class == best.first_class &&
         each.settings.pages.idle_cap_bytes == best.pages.idle_cap_bytes &&
         each.settings.pages.idle_epochs == best.pages.idle_epochs &&
         each.settings.pages.block_cache_bytes == best.pages.block_cache_bytes;
}

/// Those that no other beats in both.
std::string front_of(std::vector<spot> spots, axis const& x, axis const& y) {
  std::ranges::sort(spots, {}, [](spot const& each) { return std::pair{each.memory, each.cost}; });
  std::string points;
  double best = std::numeric_limits<double>::max();
  for (spot const& each : spots) {
    if (each.cost >= best) continue;
    best = each.cost;
    points += number(x.at(each.memory), 1) + "," + number(y.at(each.cost), 1) + " ";
  }
  return "<polyline points=\"" + points + "\" fill=\"none\" stroke=\"var(--faint)\" stroke-dasharray=\"4 3\"/>\n";
}

std::string axes(axis const& x, axis const& y, char const* below, char const* beside) {
  std::string to = line(left, height - bottom, width - right, height - bottom) + line(left, top, left, height - bottom);
  for (int i = 0; i <= 4; ++i) {
    double const part = i / 4.0;
    to += text_at(x.at(part * x.most), height - bottom + 18, "middle", number(part * x.most, x.most < 10 ? 2 : 1),
                  "faint");
    to += text_at(left - 8, y.at(part * y.most) + 4, "end", number(part * y.most, y.most < 10 ? 2 : 1), "faint");
  }
  to += text_at((left + width) / 2, height - 8, "middle", below);
  return to + text_at(left + 8, top + 2, "start", beside);
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

std::string pareto(trace::tuning_result const& found) {
  std::vector<spot> spots;
  spots.reserve(found.tried.size());
  for (trace::tried_settings const& each : found.tried) spots.push_back(spot_of(each));
  if (spots.empty()) return "<p>Nothing was tried.</p>";
  axis const x{end_of(spots, &spot::memory), left, width - left - right};
  axis const y{end_of(spots, &spot::cost), height - bottom, -(height - bottom - top)};
  std::string to = "<svg viewBox=\"0 0 860 380\" role=\"img\" aria-label=\"Cost against memory of every setting\">\n";
  to += axes(x, y, "memory held on average, MiB (model)", "ns an allocation for pages and blocks (model)");
  auto const beyond = [&](spot const& each) { return each.memory > x.most || each.cost > y.most; };
  std::vector<spot> shown = spots;
  std::erase_if(shown, beyond);
  to += front_of(shown, x, y);
  for (std::size_t i = 0; i < spots.size(); ++i) {
    if (beyond(spots[i])) continue;
    bool const best = is_best(found, found.tried[i]);
    char const* const fill = i == 0 ? "var(--two)" : best ? "var(--one)" : "var(--dot)";
    char const* const name = i == 0 ? "today" : best ? "recommended" : "";
    to += circle(x.at(spots[i].memory), y.at(spots[i].cost), i == 0 || best ? 7 : 3.5, fill,
                 std::string(name) + " " + sizes_of(found.tried[i].settings));
    to += text_at(x.at(spots[i].memory) + 10, y.at(spots[i].cost) - 8, "start", name);
  }
  to += text_at(width - right, top + 2, "end", std::to_string(spots.size() - shown.size()) + " beyond the edges",
                "faint");
  return to + "</svg>\n";
}

/// What of the memory that arenas took nobody was given, a bar for each setting.
std::string waste(trace::tuning_result const& found) {
  std::vector<trace::tried_settings const*> shown;
  if (!found.tried.empty()) shown.push_back(&found.tried.front());
  for (trace::tried_settings const& each : found.tried) {
    if (shown.size() < 8 && &each != shown.front()) shown.push_back(&each);
  }
  double const row = 34;
  double const tall = row * static_cast<double>(shown.size()) + 40;
  std::string to =
      "<svg viewBox=\"0 0 860 " + number(tall, 0) + "\" role=\"img\" aria-label=\"Waste of each setting\">\n";
  for (std::size_t i = 0; i < shown.size(); ++i) {
    trace::memory_figures const& memory = shown[i]->memory;
    double const all = static_cast<double>(std::max<std::uint64_t>(memory.reserved_bytes, 1));
    double const y = row * static_cast<double>(i);
    double x = 300;
    char const* const colours[] = {"var(--one)", "var(--two)", "var(--dot)"};
    std::size_t c = 0;
    for (std::uint64_t const bytes : {memory.room_bytes, memory.tail_waste_bytes, memory.skipped_bytes}) {
      double const length = 500 * static_cast<double>(bytes) / all;
      to += "<rect x=\"" + number(x, 1) + "\" y=\"" + number(y + 6, 1) + "\" width=\"" + number(length, 1) +
            "\" height=\"18\" fill=\"" + colours[c++] + "\"/>\n";
      x += length;
    }
    std::string const name = i == 0                      ? "today"
                             : is_best(found, *shown[i]) ? "recommended"
                                                         : sizes_of(shown[i]->settings);
    to += text_at(292, y + 20, "end", name.substr(0, 44));
    to += text_at(x + 6, y + 20, "start", percent((x - 300) / 500), "faint");
  }
  to += text_at(120, tall - 12, "start",
                "of what arenas took: room in last pages (first colour), ends of pages (second), skipped (third)",
                "faint");
  return to + "</svg>\n";
}

std::string measured(trace::tuning_result const& found) {
  std::string to =
      "<table><tr><th></th><th>ns an allocation</th><th>p99, us</th><th>peak RSS</th><th>mean RSS</th>"
      "<th>pages from the OS</th><th>page faults</th><th>rounds won</th></tr>\n";
  auto const row = [&](std::string const& name, trace::measured_settings const& of) {
    to +=
        "<tr><td>" + escaped(name) + "</td><td>" + number(of.ns_per_allocation, 2) + "</td><td>" +
        number(of.p99_ns / 1000, 2) + "</td><td>" + programs::readable_bytes(of.peak_resident_bytes) + "</td><td>" +
        programs::readable_bytes(of.mean_resident_bytes) + "</td><td>" + number(of.pages_from_system, 0) + "</td><td>" +
        number(of.page_faults, 0) + "</td><td>" +
        (&of == &found.today ? std::string("-") : std::to_string(of.rounds_won) + " of " + std::to_string(of.rounds)) +
        "</td></tr>\n";
  };
  row("today: " + sizes_of(found.today.settings), found.today);
  for (trace::measured_settings const& each : found.finalists) row(sizes_of(each.settings), each);
  return to + "</table>\n";
}

}  // namespace

std::string tune_page(trace::tuning_result const& found, trace::tuning_options const& options,
                      std::string const& of_trace) {
  std::string to =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>mayfly tune: " +
      escaped(of_trace) + "</title><style>" + style + "</style></head><body>\n";
  bool const for_throughput = options.goal == trace::tuning_goal::throughput;
  to += "<h1>Tuning of " + escaped(of_trace) + " for " + (for_throughput ? "throughput" : "memory") + "</h1>\n";
  if (found.finalists.empty()) {
    to += "<p class=\"verdict\">Nothing was measured.</p>\n";
  } else if (found.better) {
    to += "<p class=\"verdict\">The recommended settings are better by " + percent(found.finalists.front().gain) +
          " in the median round.</p>\n";
  } else {
    to += "<p class=\"verdict\">Nothing is better beyond the noise: today's settings are best.</p>\n";
  }
  std::vector<std::string> const why = trace::reasons(found);
  if (!why.empty()) {
    to += "<ul>\n";
    for (std::string const& each : why) to += "<li>" + escaped(each) + "</li>\n";
    to += "</ul>\n";
  }
  if (!found.finalists.empty()) to += "<h2>Measured, in turns; medians</h2>\n" + measured(found);
  to += "<h2>Tried in the model: cost against memory</h2>\n" + pareto(found);
  to += "<h2>What lies unused</h2>\n" + waste(found);
  to += "<h2>The configuration</h2>\n<pre><code>" + escaped(tune_config(found, of_trace)) + "</code></pre>\n";
  return to + "</body></html>\n";
}

}  // namespace mayfly::stress
