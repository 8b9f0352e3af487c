#include "point.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
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
  bool complete = false;
};

constexpr std::uint64_t most_points = 20'000;  // of one walk; more would be a program that never ends
constexpr seconds time_limit{15};
constexpr int worst_shown = 20;

struct totals {
  std::array<std::array<std::uint64_t, verdicts>, call_names.size()> of{};
  std::map<std::string, std::uint64_t> foreign;  // where it died, how often
  std::uint64_t bad = 0;
};

char const* mode_of(bool for_ever) noexcept { return for_ever ? "for-ever" : "once"; }

/// The part of a report that tells one foreign failure from another: who called what failed.
std::string signature(point_report const& report) {
  std::string const& stacks = report.stacks;
  std::size_t line = stacks.find("libtbb");
  if (line == std::string::npos) return report.why;
  std::size_t const begin = stacks.rfind('\n', line) + 1;
  return report.why + ": " + stacks.substr(begin, stacks.find('[', begin) - begin);
}

void tell(scenario const& what, plan const& point, point_report const& report) {
  std::printf("BAD %s: --scenario %s --kind %s --mode %s --k %llu: %s\n%s",
              verdict_names[static_cast<std::size_t>(report.end)], std::string(what.name).c_str(),
              std::string(call_names[static_cast<std::size_t>(point.which)]).c_str(), mode_of(point.for_ever),
              static_cast<unsigned long long>(point.k), report.why.c_str(), report.stacks.c_str());
  std::fflush(stdout);
}

/// Some runs without faults: the most heap blocks that they leave.
baseline measure(scenario const& what, totals& sum) {
  baseline reference;
  for (int i = 0; i < 3; ++i) {
    point_report const clean = run_point(what, {}, nullptr, time_limit);
    if (clean.end != verdict::not_reached) {
      tell(what, {}, clean);
      ++sum.bad;
    }
    reference.most_blocks = std::max(reference.most_blocks, clean.blocks);
  }
  return reference;
}

/// One after the other until the program makes no k-th call.
void walk(scenario const& what, call which, bool for_ever, choice const& chosen, baseline const& reference,
          totals& sum) {
  for (std::uint64_t k = std::max<std::uint64_t>(1, chosen.k); k <= most_points; ++k) {
    plan const point{which, k, for_ever};
    point_report report = run_point(what, point, &reference, time_limit);
    // How many blocks the libraries keep depends on how threads met: a leak shows each time.
    for (int again = 0; again < 2 && report.end == verdict::leaked; ++again) {
      report = run_point(what, point, &reference, time_limit);
    }
    ++sum.of[static_cast<std::size_t>(which)][static_cast<std::size_t>(report.end)];
    if (report.end == verdict::foreign) ++sum.foreign[signature(report)];
    if (!is_good(report.end) && ++sum.bad <= worst_shown) tell(what, point, report);
    if (chosen.k != 0 && report.end == verdict::foreign) tell(what, point, report);
    if (chosen.k != 0 || report.end == verdict::not_reached) return;
  }
  std::printf("BAD: more than %llu points in one walk\n", static_cast<unsigned long long>(most_points));
  ++sum.bad;
}

void walk_scenario(scenario const& what, choice const& chosen, totals& sum) {
  baseline const reference = measure(what, sum);
  for (std::size_t kind = 0; kind < call_names.size(); ++kind) {
    if (chosen.kind && *chosen.kind != call_names[kind]) continue;
    for (bool const for_ever : {false, true}) {
      if (chosen.mode && *chosen.mode != mode_of(for_ever)) continue;
      walk(what, static_cast<call>(kind), for_ever, chosen, reference, sum);
    }
  }
}

void print(totals const& sum) {
  std::printf("%-15s %8s %8s %8s %8s %8s %8s %8s\n", "points", "unharmed", "clean", "foreign", "died", "hung", "leaked",
              "violated");
  std::uint64_t points = 0;
  for (std::size_t kind = 0; kind < call_names.size(); ++kind) {
    std::printf("%-15s", std::string(call_names[kind]).c_str());
    for (std::size_t end = 1; end < verdicts; ++end) {
      std::printf(" %8llu", static_cast<unsigned long long>(sum.of[kind][end]));
      points += sum.of[kind][end];
    }
    std::printf("\n");
  }
  for (auto const& [where, times] : sum.foreign) {
    std::printf("foreign, %llu times: %s\n", static_cast<unsigned long long>(times), where.c_str());
  }
  std::printf("%llu points, %llu bad\n", static_cast<unsigned long long>(points),
              static_cast<unsigned long long>(sum.bad));
}

choice read_choice(int count, char** words) {
  choice chosen;
  char const* const asked = std::getenv("MAYFLY_FAULTS");
  chosen.complete = asked != nullptr && std::string_view(asked) == "complete";
  for (int i = 1; i + 1 < count; i += 2) {
    std::string_view const name = words[i];
    if (name == "--scenario") chosen.scenario = words[i + 1];
    if (name == "--kind") chosen.kind = words[i + 1];
    if (name == "--mode") chosen.mode = words[i + 1];
    if (name == "--k") chosen.k = std::strtoull(words[i + 1], nullptr, 10);
  }
  return chosen;
}

/// What a quick walk takes: no executor, hence none of the points at which oneTBB hangs until the time limit.
bool is_quick(scenario const& what) noexcept { return what.name == "arenas" || what.name == "churn"; }

}  // namespace

int main(int count, char** words) {
  try {
    choice const chosen = read_choice(count, words);
    prepare();
    totals sum;
    for (scenario const& what : scenarios()) {
      if (chosen.scenario ? *chosen.scenario == what.name : chosen.complete || is_quick(what)) {
        walk_scenario(what, chosen, sum);
      }
    }
    print(sum);
    return sum.bad == 0 ? 0 : 1;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "fault_driver: %s\n", error.what());
    return 2;
  }
}
