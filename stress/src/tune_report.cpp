#include <mayfly/executor_options.hpp>
#include <mayfly/memory_settings.hpp>
#include <mayfly/programs/quantities.hpp>
#include <mayfly/stress/tune_report.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace mayfly::stress {

namespace {

using programs::readable_bytes;

/// With so many digits behind the point.
std::string fixed(double value, int digits) {
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

std::string percent(double part) { return fixed(100 * part, 1) + " %"; }

/// "in 14 of 15 rounds", and which those were.
std::string rounds_text(trace::measured_settings const& of) {
  return "in " + std::to_string(of.rounds_won) + " of " + std::to_string(of.rounds) +
         (of.is_confirmed ? " fresh rounds" : " rounds");
}

std::string gain_text(trace::measured_settings const& of, trace::tuning_goal goal, double gain_in_all) {
  if (goal == trace::tuning_goal::throughput)
    return percent(std::abs(of.gain)) + (of.gain >= 0 ? " less" : " more") + " time for memory, " +
           percent(std::abs(gain_in_all)) + " for a whole request,";
  return percent(of.gain) + " less memory held, for " + percent(std::abs(of.slower)) +
         (of.slower >= 0 ? " more time" : " less time");
}

}  // namespace

std::string tune_verdict(trace::tuning_result const& found, trace::tuning_options const& options) {
  using proof = trace::tuning_proof;
  if (found.proof == proof::model)
    return "Stopped before anything was measured: the best of the model so far, NOT measured.";
  if (found.finalists.empty()) {
    return found.whole ? "Nothing that was tried fits the bound: say a larger --max-rss."
                       : "Stopped before anything was found: today's settings stay.";
  }
  trace::measured_settings const& best = found.finalists.front();
  std::string const how =
      gain_text(best, options.goal, found.gain_in_all) + " in the median round, better " + rounds_text(best);
  if (found.proof == proof::rounds) return "Stopped while measuring: the best so far, which may be noise: " + how + ".";
  if (found.proof == proof::measured && !found.today_fits)
    return "Today's settings hold " + readable_bytes(found.today.largest_peak_bytes) +
           " at the peak, above --max-rss; the "
           "best that keep within it: " +
           how + ".";
  if (found.proof == proof::measured) return "Better: " + how + ".";
  if (!found.whole) return "Stopped while measuring, and nothing was better so far: today's settings stay.";
  if (!found.today_fits) return "Nothing that was measured keeps within --max-rss, today's settings neither.";
  return "Nothing is better by " + percent(options.least_gain) + " (--least-gain)" +
         (options.goal == trace::tuning_goal::throughput ? " of a request" : "") +
         ", beyond the noise and within the bounds: today's settings are best. (The best finalist: " + how + ".)";
}

std::string tune_table(trace::tuning_result const& found, trace::tuning_options const& options) {
  std::string to = "tuning for " + std::string(name_of(options.goal)) + ": " + std::to_string(found.tried.size()) +
                   " settings left of the search, " + std::to_string(found.finalists.size()) + " measured\n";
  double const seconds = std::chrono::duration<double>(found.modelled_for).count();
  auto const played = static_cast<double>(found.allocations_modelled);
  if (seconds > 0) {
    to += "modelled: " + fixed(played / 1e6, 1) + " million allocations in " + fixed(seconds, 1) + " s, " +
          fixed(played / 1e6 / seconds, 1) + " million a second\n";
  }
  if (!found.finalists.empty()) {
    trace::measured_settings const& today = found.today;
    trace::measured_settings const& best = found.finalists.front();
    bool const better = found.proof == trace::tuning_proof::measured;
    add_row(to, "", "today", better ? "recommended" : "best finalist");
    add_row(to, "requests' memory a second", fixed(today.requests_per_s, 0), fixed(best.requests_per_s, 0));
    add_row(to, "memory's part of a request", percent(today.memory_share), percent(best.memory_share));
    add_row(to, "ns an allocation", fixed(today.ns_per_allocation, 2), fixed(best.ns_per_allocation, 2));
    add_row(to, "arena's time, p99 (us)", fixed(today.p99_ns / 1000, 2), fixed(best.p99_ns / 1000, 2));
    add_row(to, "resident, peak", readable_bytes(today.peak_resident_bytes), readable_bytes(best.peak_resident_bytes));
    add_row(to, "resident, mean", readable_bytes(today.mean_resident_bytes), readable_bytes(best.mean_resident_bytes));
    add_row(to, "pages from the OS", fixed(today.pages_from_system, 0), fixed(best.pages_from_system, 0));
    add_row(to, "page faults", fixed(today.page_faults, 0), fixed(best.page_faults, 0));
    if (!today.peak_is_exact || !best.peak_is_exact)
      to += "  (the system hides a process's peak: the largest of looks 200 us apart)\n";
  }
  to += tune_verdict(found, options) + "\n";
  for (std::string const& each : trace::reasons(found)) to += "  - " + each + "\n";
  return to;
}

namespace {

/// As a file and a flag have it: whole units, and within what an executor takes.
std::string duration_text(std::chrono::nanoseconds time) {
  auto const fits = std::clamp<std::chrono::nanoseconds>(time, executor_options::least_trim_interval,
                                                         executor_options::longest_trim_interval);
  return "\"" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(fits).count()) + "ms\"";
}

/// As text: the largest number that a TOML integer can be is less than the largest number of bytes.
std::string quoted_bytes(std::size_t bytes) { return "\"" + std::to_string(bytes) + "\"\n"; }

char const* remark_on(trace::tuning_proof proof) {
  switch (proof) {
    case trace::tuning_proof::measured:
      break;
    case trace::tuning_proof::nothing:
      return "# Nothing was better than what was in force: these are the same settings.\n";
    case trace::tuning_proof::model:
      return "# Stopped early: the best of the model so far, NOT measured.\n";
    case trace::tuning_proof::rounds:
      return "# Stopped early: the best of the rounds so far, which may be noise.\n";
  }
  return "";
}

}  // namespace

std::string tune_config(trace::tuning_result const& found, std::string const& of_trace) {
  trace::replay_settings const& best = found.recommended;
  page_pool_options const& pages = best.pages;
  std::string name = of_trace;
  std::ranges::replace_if(name, [](char c) { return c < ' ' && c >= 0; }, '?');  // a comment is one line
  std::string to = "# Made by mayfly-stress tune from " + name + ".\n";
  to += remark_on(found.proof);
  to += "page-sizes = \"" + list(pages.class_bytes) + "\"\n";
  to += "magazines = \"" + list(pages.magazine_pages) + "\"\n";
  to += "first-page = \"" +
        (best.first_class ? std::to_string(pages.class_bytes[*best.first_class]) : std::string("adaptive")) + "\"\n";
  to += "page-growth = " + std::to_string(pages.growth_percent) + "\n";
  to += "largest-in-page = " + quoted_bytes(pages.largest_in_page_bytes);
  to += "idle-floor = " + quoted_bytes(pages.idle_floor_bytes);
  to += "idle-cap = " + quoted_bytes(pages.idle_cap_bytes);
  to += "idle-epochs = " + std::to_string(pages.idle_epochs) + "\n";
  to += "block-cache = " + quoted_bytes(pages.block_cache_bytes);
  to += "return-by = \"" + std::string(memory_return_names[static_cast<std::size_t>(pages.return_by)]) + "\"\n";
  to += "huge-pages = \"" + std::string(huge_page_use_names[static_cast<std::size_t>(pages.huge_pages)]) + "\"\n";
  // A recording without epochs says nothing of when idle memory should go: that stays as it is by default.
  if (best.epoch.count() != 0) to += "trim-interval = " + duration_text(best.epoch) + "\n";
  if (pages.max_bytes != page_pool_options::unlimited) {
    to += "page-budget = " + quoted_bytes(pages.max_bytes);
  }
  return to;
}

}  // namespace mayfly::stress
