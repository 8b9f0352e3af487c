#include "point.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

// Walks over every point: scenario, kind of call, once or for ever, k. See README.md.
namespace {

using namespace mayfly::test::faults;
using std::chrono::seconds;

struct choice {
  std::optional<std::string_view> scenario{};
  std::optional<std::string_view> kind{};
  std::optional<std::string_view> mode{};
  std::uint64_t k = 0;  ///< only that one
};

constexpr std::uint64_t most_points = 20'000;  // of one walk; more would be a program that never ends
constexpr seconds time_limit{60};
constexpr std::uint64_t worst_shown = 20;

/// How many points ended how.
struct counts {
  std::array<std::uint64_t, verdicts> of{};

  void add(verdict end) noexcept { ++of[static_cast<std::size_t>(end)]; }
  void add(counts const& others) noexcept {
    for (std::size_t end = 0; end < verdicts; ++end) of[end] += others.of[end];
  }
  /// All but the one at the end of each walk, which the program no longer reaches.
  [[nodiscard]] std::uint64_t points() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t end = 1; end < verdicts; ++end) sum += of[end];
    return sum;
  }
};

struct totals {
  std::array<counts, call_names.size()> of{};
  std::map<std::string, std::uint64_t> foreign;  // where it died, how often
  std::uint64_t bad = 0;
};

char const* mode_of(bool for_ever) noexcept { return for_ever ? "for-ever" : "once"; }

/// What tells one foreign failure from another: which function of theirs made the call that failed.
std::string signature(point_report const& report) {
  std::size_t const line = report.stacks.find("libtbb");
  if (line == std::string::npos) return report.why;
  std::size_t const begin = report.stacks.rfind('\n', line) + 1;
  return report.why + ": " + report.stacks.substr(begin, report.stacks.find('[', begin) - begin);
}

void tell(scenario const& what, plan const& point, point_report const& report) {
  std::printf("%s %s: --scenario %s --kind %s --mode %s --k %llu: %s\n%s", is_good(report.end) ? "one" : "BAD",
              verdict_names[static_cast<std::size_t>(report.end)], std::string(what.name).c_str(),
              std::string(call_names[static_cast<std::size_t>(point.which)]).c_str(), mode_of(point.for_ever),
              static_cast<unsigned long long>(point.k), report.why.c_str(), report.stacks.c_str());
}

void print_header() {
  std::printf("%-10s %-14s %-8s %8s", "scenario", "call", "mode", "points");
  for (std::size_t end = 1; end < verdicts; ++end) std::printf(" %8s", verdict_names[end]);
  std::printf("\n");
}

void print_row(std::string_view scenario, std::string_view kind, std::string_view mode, counts const& counted) {
  std::printf("%-10s %-14s %-8s %8llu", std::string(scenario).c_str(), std::string(kind).c_str(),
              std::string(mode).c_str(), static_cast<unsigned long long>(counted.points()));
  for (std::size_t end = 1; end < verdicts; ++end) {
    std::printf(" %8llu", static_cast<unsigned long long>(counted.of[end]));
  }
  std::printf("\n");
  std::fflush(stdout);
}

/// Some runs without faults: what they all say, and the most that they leave; none if one of them is bad.
std::optional<baseline> measure(scenario const& what, totals& sum) {
  baseline reference;
  for (int i = 0; i < 3; ++i) {
    point_report clean = run_point(what, {}, nullptr, time_limit);
    if (i == 0) reference.usual = clean.armed;
    if (clean.end == verdict::not_reached && clean.armed != reference.usual) {
      clean.end = verdict::violated;
      clean.why = "runs without faults do not all end alike";
    }
    if (clean.end != verdict::not_reached) {
      tell(what, {}, clean);
      ++sum.bad;
      return std::nullopt;
    }
    reference.most_blocks = std::max(reference.most_blocks, clean.blocks);
    reference.most_mapped = std::max(reference.most_mapped, clean.mapped);
  }
  return reference;
}

point_report run_and_judge(scenario const& what, plan const& point, baseline const& reference) {
  point_report report = run_point(what, point, &reference, time_limit);
  // How much the libraries keep depends on how threads met: a leak shows each time.
  for (int again = 0; again < 2 && report.end == verdict::leaked; ++again) {
    report = run_point(what, point, &reference, time_limit);
  }
  return report;
}

/// One after the other until the program makes no k-th call.
counts walk(scenario const& what, call which, bool for_ever, choice const& chosen, baseline const& reference,
            totals& sum) {
  counts counted;
  for (std::uint64_t k = std::max<std::uint64_t>(1, chosen.k); k <= most_points; ++k) {
    plan const point{which, k, for_ever};
    point_report const report = run_and_judge(what, point, reference);
    counted.add(report.end);
    if (report.end == verdict::foreign) ++sum.foreign[signature(report)];
    bool const bad = !is_good(report.end);
    if (bad) ++sum.bad;
    if ((bad && sum.bad <= worst_shown) || chosen.k != 0) tell(what, point, report);
    if (chosen.k != 0 || !report.reached) return counted;
  }
  std::printf("BAD: more than %llu points in one walk\n", static_cast<unsigned long long>(most_points));
  ++sum.bad;
  return counted;
}

void walk_scenario(scenario const& what, choice const& chosen, totals& sum) {
  std::optional<baseline> const reference = measure(what, sum);
  if (!reference) return;
  for (std::size_t kind = 0; kind < call_names.size(); ++kind) {
    if (chosen.kind && *chosen.kind != call_names[kind]) continue;
    for (bool const for_ever : {false, true}) {
      if (chosen.mode && *chosen.mode != mode_of(for_ever)) continue;
      counts const counted = walk(what, static_cast<call>(kind), for_ever, chosen, *reference, sum);
      print_row(what.name, call_names[kind], mode_of(for_ever), counted);
      sum.of[kind].add(counted);
    }
  }
}

void print_totals(totals const& sum) {
  counts all;
  for (std::size_t kind = 0; kind < call_names.size(); ++kind) {
    print_row("all", call_names[kind], "both", sum.of[kind]);
    all.add(sum.of[kind]);
  }
  print_row("all", "all", "both", all);
  for (auto const& [where, times] : sum.foreign) {
    std::printf("foreign, %llu times: %s\n", static_cast<unsigned long long>(times), where.c_str());
  }
  std::printf("%llu points, %llu bad\n", static_cast<unsigned long long>(all.points()),
              static_cast<unsigned long long>(sum.bad));
}

choice read_choice(int count, char** words) {
  choice chosen;
  for (int i = 1; i < count; i += 2) {
    std::string_view const name = words[i];
    std::string_view const value = i + 1 < count ? words[i + 1] : "";
    if (name == "--scenario") {
      chosen.scenario = value;
    } else if (name == "--kind") {
      chosen.kind = value;
    } else if (name == "--mode") {
      chosen.mode = value;
    } else if (name == "--tbb-heap" && (value == "c" || value == "own")) {
      if (value == "c") hide_tbbmalloc();
    } else if (name == "--k" && i + 1 < count) {
      chosen.k = std::strtoull(words[i + 1], nullptr, 10);
    } else {
      throw std::invalid_argument(
          "takes --scenario NAME, --kind CALL, --mode once|for-ever, --k NUMBER and --tbb-heap own|c, not " +
          std::string(name));
    }
  }
  return chosen;
}

}  // namespace

int main(int count, char** words) {
  try {
    choice const chosen = read_choice(count, words);
    prepare();
    totals sum;
    print_header();
    for (scenario const& what : scenarios()) {
      if (!chosen.scenario || *chosen.scenario == what.name) walk_scenario(what, chosen, sum);
    }
    print_totals(sum);
    return sum.bad == 0 ? 0 : 1;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "fault_driver: %s\n", error.what());
    return 2;
  }
}
