#include "svg.hpp"
#include "tune_pictures.hpp"
#include <mayfly/programs/quantities.hpp>
#include <mayfly/stress/tune_report.hpp>

#include <string>
#include <vector>

namespace mayfly::stress {

namespace {

constexpr char const* style = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --faint: #5f6873; --line: #dde1e6; --one: #2b6cb0;
  --two: #c05621; --three: #2f855a; --four: #805ad5; --dot: #a9b4c0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --paper: #14171a; --faint: #9aa4af; --line: #2c3238;
  --one: #63b3ed; --two: #f6ad55; --three: #68d391; --four: #b794f4; --dot: #56606b; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
td, th { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: bottom; }
td { white-space: nowrap; } td:first-child { white-space: normal; min-width: 11rem; }
td:first-child, th:first-child { text-align: left; }
svg { width: 100%; height: auto; } text { fill: var(--ink); font: 13px system-ui, sans-serif; } .faint { fill: var(--faint); }
.verdict { font-size: 1.1rem; font-weight: 600; } pre { overflow-x: auto; } code { font-size: .9em; }
)";

using svg::escaped;
using svg::number;

/// What tells the settings apart, in words.
std::string named(trace::tuning_result const& found, trace::measured_settings const& of, std::size_t finalist) {
  if (finalist == 0) return "today: " + sizes_of(of.settings);
  bool const best = found.proof != trace::tuning_proof::nothing && same(of.settings, found.recommended);
  return (best ? std::string("recommended") : "finalist " + std::to_string(finalist)) + ": " + sizes_of(of.settings);
}

std::string measured(trace::tuning_result const& found) {
  std::string to =
      "<div class=\"wide\"><table><tr><th></th><th>requests&rsquo; memory a second</th><th>memory&rsquo;s part of a "
      "request</th>"
      "<th>ns an allocation</th>"
      "<th>p99, us</th><th>peak RSS</th><th>mean RSS</th><th>pages from the OS</th><th>page faults</th>"
      "<th>rounds won</th></tr>\n";
  auto const cell = [](std::string const& text) { return "<td>" + text + "</td>"; };
  auto const row = [&](trace::measured_settings const& of, std::size_t finalist) {
    std::string const won = std::to_string(of.rounds_won) + " of " + std::to_string(of.rounds);
    to += "<tr>" + cell(escaped(named(found, of, finalist))) + cell(number(of.requests_per_s, 0)) +
          cell(number(100 * of.memory_share, 1) + " %") + cell(number(of.ns_per_allocation, 2)) +
          cell(number(of.p99_ns / 1000, 2)) + cell(programs::readable_bytes(of.peak_resident_bytes)) +
          cell(programs::readable_bytes(of.mean_resident_bytes)) + cell(number(of.pages_from_system, 0)) +
          cell(number(of.page_faults, 0)) +
          cell(finalist == 0 ? std::string("-") : won + (of.is_confirmed ? ", fresh" : "")) + "</tr>\n";
  };
  row(found.today, 0);
  for (std::size_t i = 0; i < found.finalists.size(); ++i) row(found.finalists[i], i + 1);
  to += "</table></div>\n";
  if (!found.today.peak_is_exact)
    to += "<p>This system hides a process&rsquo;s peak: the largest of looks 200 us apart stands for it.</p>\n";
  return to;
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
  to += "<p class=\"verdict\">" + escaped(tune_verdict(found, options)) + "</p>\n";
  std::vector<std::string> const why = trace::reasons(found);
  if (!why.empty()) {
    to += "<ul>\n";
    for (std::string const& each : why) to += "<li>" + escaped(each) + "</li>\n";
    to += "</ul>\n";
  }
  if (!found.finalists.empty()) {
    to += "<h2>Measured, in turns; medians</h2>\n" + measured(found);
    to += "<h2>Throughput against RSS, measured</h2>\n" + measured_picture(found);
  }
  to += "<h2>Tried in the model: cost against memory</h2>\n" + model_picture(found);
  to += "<h2>What lies unused of all that requests took</h2>\n" + waste_picture(found);
  to += "<h2>The configuration</h2>\n<pre><code>" + escaped(tune_config(found, of_trace)) + "</code></pre>\n";
  return to + "</body></html>\n";
}

}  // namespace mayfly::stress
