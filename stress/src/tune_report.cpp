#include <mayfly/programs/quantities.hpp>
#include <mayfly/stress/tune_report.hpp>

#include <array>
#include <cstdio>

namespace mayfly::stress {

namespace {

using programs::readable_bytes;

/// With so many digits behind the point.
std::string number(double value, int digits) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string padded(std::string const& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

void add_row(std::string& to, char const* name, std::string const& today, std::string const& best) {
  std::array<char, 64> first;
  std::snprintf(first.data(), first.size(), "  %-28s", name);
  to += first.data() + padded(today, 14) + padded(best, 16) + "\n";
}

template <class Numbers>
std::string list(Numbers const& numbers) {
  std::string text;
  for (auto const each : numbers) text += (text.empty() ? "" : ",") + std::to_string(each);
  return text;
}

char const* name_of(trace::tuning_goal goal) {
  return goal == trace::tuning_goal::throughput ? "throughput" : "memory";
}

std::string verdict(trace::tuning_result const& found, trace::tuning_options const& options) {
  if (found.finalists.empty()) {
    return found.whole ? "Nothing that was tried fits the bound: say a larger --max-rss.\n"
                       : "Ended before anything was measured: today's settings stay.\n";
  }
  trace::measured_settings const& best = found.finalists.front();
  std::string const rounds = std::to_string(best.rounds_won) + " of " + std::to_string(best.rounds) + " rounds";
  std::string const text = number(100 * best.gain, 1) + " %";
  if (found.better)
    return "Better by " + text + " (" + name_of(options.goal) + ") in the median round, and in " + rounds + ".\n";
  return "Nothing is better beyond the noise: today's settings are best. (The best finalist: " + text + ", in " +
         rounds + ".)\n";
}

}  // namespace

std::string tune_table(trace::tuning_result const& found, trace::tuning_options const& options) {
  std::string to = "tuning for " + std::string(name_of(options.goal)) + ": " + std::to_string(found.tried.size()) +
                   " settings left of the search, " + std::to_string(found.finalists.size()) + " measured\n";
  if (!found.finalists.empty()) {
    trace::measured_settings const& today = found.today;
    trace::measured_settings const& best = found.finalists.front();
    add_row(to, "", "today", found.better ? "recommended" : "best finalist");
    add_row(to, "ns an allocation", number(today.ns_per_allocation, 2), number(best.ns_per_allocation, 2));
    add_row(to, "arena's time, p99 (us)", number(today.p99_ns / 1000, 2), number(best.p99_ns / 1000, 2));
    add_row(to, "resident, peak", readable_bytes(today.peak_resident_bytes), readable_bytes(best.peak_resident_bytes));
    add_row(to, "resident, mean", readable_bytes(today.mean_resident_bytes), readable_bytes(best.mean_resident_bytes));
    add_row(to, "pages from the OS", number(today.pages_from_system, 0), number(best.pages_from_system, 0));
    add_row(to, "page faults", number(today.page_faults, 0), number(best.page_faults, 0));
  }
  to += verdict(found, options);
  for (std::string const& each : trace::reasons(found)) to += "  - " + each + "\n";
  if (!found.whole) to += "Stopped early: this is the best so far.\n";
  return to;
}

std::string tune_config(trace::tuning_result const& found, std::string const& of_trace) {
  trace::replay_settings const& best = found.better ? found.finalists.front().settings : found.today.settings;
  page_pool_options const& pages = best.pages;
  std::string to = "# Made by mayfly-stress tune from " + of_trace + ".\n";
  to += found.better ? "" : "# Nothing was better than what was in force: these are the same settings.\n";
  to += "page-sizes = \"" + list(pages.class_bytes) + "\"\n";
  to += "magazines = \"" + list(pages.magazine_pages) + "\"\n";
  to += "first-page = \"" +
        (best.first_class ? std::to_string(pages.class_bytes[*best.first_class]) : std::string("adaptive")) + "\"\n";
  to += "idle-floor = " + std::to_string(pages.idle_floor_bytes) + "\n";
  to += "idle-cap = " + std::to_string(pages.idle_cap_bytes) + "\n";
  to += "idle-epochs = " + std::to_string(pages.idle_epochs) + "\n";
  to += "block-cache = " + std::to_string(pages.block_cache_bytes) + "\n";
  return to;
}

}  // namespace mayfly::stress
