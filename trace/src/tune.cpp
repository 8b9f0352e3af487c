#include "replay_figures.hpp"
#include "tuning_space.hpp"
#include <mayfly/trace/tune.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace mayfly::trace {
namespace {

// What the model says a page or a block takes, in ns: bench/README.md has them measured. They only choose who is
// measured in the end.
constexpr double page_ns = 15;            // taken and given back at hand
constexpr double depot_ns = 60;           // a magazine more
constexpr double block_ns = 40;           // at hand
constexpr double system_call_ns = 1'000;  // memory from the system, or back to it
constexpr double fault_ns_per_byte = 250.0 / 4096;

constexpr double memory_slack = 1.05;  // what a run for memory may cost more
constexpr std::size_t finalists_measured = 4;

double cost_of(memory_figures const& taken, page_pool_options const& pages) {
  double cost = 0;
  for (std::size_t c = 0; c < taken.pages.size(); ++c) {
    class_figures const& of = taken.pages[c];
    auto const fresh = static_cast<double>(of.from_system);
    cost += page_ns * static_cast<double>(of.taken) + depot_ns * static_cast<double>(of.from_depot);
    cost += fresh * (system_call_ns + fault_ns_per_byte * static_cast<double>(pages.class_bytes[c]));
  }
  cost += block_ns * static_cast<double>(taken.blocks_from_cache);
  // how large they were is not known: at least as large as what no page takes
  cost += static_cast<double>(taken.blocks_from_system) *
          (system_call_ns + fault_ns_per_byte * static_cast<double>(pages.class_bytes.back()) / 4);
  return cost + system_call_ns * static_cast<double>(taken.returned_bytes) / static_cast<double>(pages.class_bytes[0]);
}

void check(tuning_options const& options) {
  if (options.points < 8 || options.points > 100'000) {
    throw std::invalid_argument("tuning_options::points must be 8 to 100000");
  }
  if (options.rounds < 5 || options.rounds > 1'000) {
    throw std::invalid_argument("tuning_options::rounds must be 5 to 1000");
  }
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Whether so many wins of so many rounds come about by chance in less than one of twenty cases: the sign test,
/// one-sided.
bool beyond_chance(unsigned wins, unsigned rounds) {
  double chance = 0;
  double ways = 1;  // of choosing `won` rounds of all
  for (unsigned won = 0; won <= rounds; ++won) {
    if (won >= wins) chance += ways;
    ways = ways * (rounds - won) / (won + 1);
  }
  return chance / std::exp2(rounds) < 0.05;
}

class tuner {
 public:
  tuner(trace const& of, replay_settings const& today, tuning_options const& options)
      : of_{of}, today_{today}, options_{(check(options), options)}, random_{options.seed} {}

  tuning_result run() {
    search();
    if (result_.whole) measure();
    return std::move(result_);
  }

 private:
  // ---- in the model

  void search() {
    std::vector<tried_settings> field;
    field.push_back({.settings = today_});
    while (field.size() < options_.points) field.push_back({.settings = random_settings(today_, random_)});
    constexpr std::array parts{1.0 / 16, 1.0 / 4, 1.0};
    for (double const part : parts) {
      if (!try_all(field, part)) break;
      if (part < 1) field = best_quarter(std::move(field));
    }
    result_.tried = std::move(field);
    auto const today = today_in(result_.tried);
    std::rotate(result_.tried.begin(), today, today + 1);
  }

  bool try_all(std::vector<tried_settings>& field, double part) {
    std::size_t done = 0;
    for (tried_settings& each : field) {
      if (!go_on("searching", (steps_ + static_cast<double>(done++) / static_cast<double>(field.size())) / 3))
        return false;
      try_one(each, part);
    }
    steps_ += 1;
    return true;
  }

  void try_one(tried_settings& each, double part) {
    replay_settings settings = each.settings;
    settings.progress = [part](double done) { return done < part; };
    simulation const model = simulate(of_, settings);
    each.memory = model.memory;
    each.mean_committed_bytes = model.mean_committed_bytes;
    each.cost_ns = cost_of(model.memory, each.settings.pages);
    each.whole = model.whole;
    each.fits = model.memory.refused == 0 && model.memory.peak_committed_bytes <= options_.max_bytes;
  }

  /// Today's stay in any case; places that are left are taken by neighbours of the best.
  std::vector<tried_settings> best_quarter(std::vector<tried_settings> field) {
    sort(field);
    std::size_t const keep = std::max<std::size_t>(field.size() / 4, 2);
    std::vector<tried_settings> next;
    for (tried_settings& each : field) {
      if (next.size() < keep || is_today(each)) next.push_back(std::move(each));
    }
    for (std::size_t i = 0; i < keep / 2; ++i) next.push_back({.settings = neighbour_of(next[i].settings, random_)});
    return next;
  }

  /// The best for the goal first; what does not fit behind what does.
  void sort(std::vector<tried_settings>& field) const {
    double const most_cost = today_in(field)->cost_ns * memory_slack;
    auto const key = [&](tried_settings const& each) {
      bool const for_memory = options_.goal == tuning_goal::memory;
      bool const fits = each.fits && (!for_memory || each.cost_ns <= most_cost);
      return std::tuple{!fits, for_memory ? each.mean_committed_bytes : each.cost_ns, !is_today(each)};
    };
    std::ranges::sort(field, {}, key);
  }

  [[nodiscard]] bool is_today(tried_settings const& each) const { return same(each.settings, today_); }

  /// They are among those tried at each step.
  [[nodiscard]] std::vector<tried_settings>::iterator today_in(std::vector<tried_settings>& field) const {
    return std::ranges::find_if(field, [&](tried_settings const& each) { return is_today(each); });
  }
  static bool same(replay_settings const& a, replay_settings const& b) {
    return a.pages.class_bytes == b.pages.class_bytes && a.pages.magazine_pages == b.pages.magazine_pages &&
           a.first_class == b.first_class && a.pages.idle_floor_bytes == b.pages.idle_floor_bytes &&
           a.pages.idle_cap_bytes == b.pages.idle_cap_bytes && a.pages.idle_epochs == b.pages.idle_epochs &&
           a.pages.block_cache_bytes == b.pages.block_cache_bytes;
  }

  // ---- for real

  /// The figures of one setting, a value a round.
  struct rounds_of {
    replay_settings settings;
    std::vector<double> ns, p99, peak, mean, faults, from_system, gains;
    unsigned won = 0;
  };

  void measure() {
    std::vector<tried_settings> ranked = result_.tried;
    sort(ranked);
    std::vector<rounds_of> all(1);
    all.front().settings = today_;
    for (tried_settings const& each : ranked) {
      if (all.size() <= finalists_measured && each.whole && each.fits && !is_today(each)) {
        all.emplace_back().settings = each.settings;
      }
    }
    for (unsigned round = 0; round < options_.rounds && !decided(all, round); ++round) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        double const done = (round + static_cast<double>(i) / static_cast<double>(all.size())) / options_.rounds;
        if (!go_on("measuring", done)) return report(all);
        measure_once(all[(i + round) % all.size()]);  // none is always the first, or behind the same one
      }
      count_round(all);
    }
    report(all);
  }

  /// As often in a row as makes a time that can be measured.
  void measure_once(rounds_of& into) const {
    constexpr std::chrono::milliseconds long_enough{100};
    replay_report seen;
    std::chrono::nanoseconds took{0};
    std::uint64_t allocations = 0;
    do {
      seen = replay(of_, into.settings, pace::full_speed);
      took += seen.took;
      allocations += seen.memory.allocations;
    } while (took < long_enough);
    into.ns.push_back(static_cast<double>(took.count()) / static_cast<double>(std::max<std::uint64_t>(allocations, 1)));
    into.p99.push_back(static_cast<double>(seen.latency.p99().count()));
    into.peak.push_back(static_cast<double>(seen.peak_resident_bytes));
    into.mean.push_back(seen.mean_resident_bytes);
    into.faults.push_back(static_cast<double>(seen.page_faults));
    double fresh = 0;
    for (class_figures const& of : seen.memory.pages) fresh += static_cast<double>(of.from_system);
    into.from_system.push_back(fresh);
  }

  [[nodiscard]] double goal_figure(rounds_of const& of, std::size_t round) const {
    return options_.goal == tuning_goal::throughput ? of.ns[round] : of.peak[round];
  }

  void count_round(std::vector<rounds_of>& all) const {
    std::size_t const round = all.front().ns.size() - 1;
    double const today = goal_figure(all.front(), round);
    for (rounds_of& each : all) {
      double const gain = today == 0 ? 0 : 1 - goal_figure(each, round) / today;
      each.gains.push_back(gain);
      if (gain > 0) ++each.won;
    }
  }

  /// Whether every finalist has been told from today's, one way or the other.
  [[nodiscard]] static bool decided(std::vector<rounds_of> const& all, unsigned rounds) {
    constexpr unsigned least_rounds = 5;
    if (all.size() < 2) return true;
    if (rounds < least_rounds) return false;
    return std::ranges::all_of(all.begin() + 1, all.end(), [&](rounds_of const& each) {
      return beyond_chance(each.won, rounds) || beyond_chance(rounds - each.won, rounds);
    });
  }

  static measured_settings medians(rounds_of const& of) {
    return {.settings = of.settings,
            .ns_per_allocation = median(of.ns),
            .p99_ns = median(of.p99),
            .peak_resident_bytes = median(of.peak),
            .mean_resident_bytes = median(of.mean),
            .page_faults = median(of.faults),
            .pages_from_system = median(of.from_system),
            .rounds = static_cast<unsigned>(of.gains.size()),
            .rounds_won = of.won,
            .gain = median(of.gains)};
  }

  void report(std::vector<rounds_of> const& all) {
    result_.today = medians(all.front());
    for (auto each = all.begin() + 1; each != all.end(); ++each) result_.finalists.push_back(medians(*each));
    // Those that are better beyond chance first, then by how much.
    std::ranges::sort(result_.finalists, std::greater{}, [](measured_settings const& each) {
      return std::pair{beyond_chance(each.rounds_won, each.rounds), each.gain};
    });
    if (result_.finalists.empty()) return;
    measured_settings const& best = result_.finalists.front();
    result_.better = best.rounds >= 5 && beyond_chance(best.rounds_won, best.rounds) && best.gain > least_gain &&
                     best.peak_resident_bytes <= static_cast<double>(options_.max_bytes);
  }

  bool go_on(char const* what, double done) {
    if (!options_.progress || options_.progress(what, done)) return true;
    result_.whole = false;
    return false;
  }

  static constexpr double least_gain = 0.01;  // less is not worth a change of settings

  trace const& of_;
  replay_settings today_;
  tuning_options const& options_;
  std::mt19937_64 random_;
  double steps_ = 0;
  tuning_result result_;
};

}  // namespace

tuning_result tune(trace const& of, replay_settings const& today, tuning_options const& options) {
  return tuner{of, today, options}.run();
}

}  // namespace mayfly::trace
