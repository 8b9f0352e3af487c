#include "finals.hpp"
#include "script.hpp"
#include "tuning_space.hpp"
#include <mayfly/trace/tune.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>
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
constexpr std::size_t most_finalists = 4;

double cost_of(memory_figures const& taken, page_pool_options const& pages) {
  double cost = 0;
  for (std::size_t c = 0; c < taken.pages.size(); ++c) {
    class_figures const& of = taken.pages[c];
    auto const fresh = static_cast<double>(of.from_system);
    cost += page_ns * static_cast<double>(of.taken) + depot_ns * static_cast<double>(of.from_depot);
    cost += fresh * (system_call_ns + fault_ns_per_byte * static_cast<double>(pages.class_bytes[c]));
  }
  // blocks that came from the system were as large as the others, on average
  double in_blocks = static_cast<double>(taken.reserved_bytes);
  for (std::size_t c = 0; c < taken.pages.size(); ++c) {
    in_blocks -= static_cast<double>(taken.pages[c].taken) * static_cast<double>(pages.class_bytes[c]);
  }
  auto const cached = static_cast<double>(taken.blocks_from_cache);
  auto const fresh = static_cast<double>(taken.blocks_from_system);
  cost += block_ns * cached + fresh * system_call_ns;
  if (fresh > 0) cost += fault_ns_per_byte * std::max(in_blocks, 0.0) * fresh / (cached + fresh);
  return cost + system_call_ns * static_cast<double>(taken.returned_bytes) / static_cast<double>(pages.class_bytes[0]);
}

void check(tuning_options const& options) {
  if (options.points < 8 || options.points > 100'000) {
    throw std::invalid_argument("tuning_options::points must be 8 to 100000");
  }
  if (std::isnan(options.least_gain) || options.least_gain < 0 || options.least_gain > 1) {
    throw std::invalid_argument("tuning_options::least_gain must be 0 to 1");
  }
  if (options.rounds < 5 || options.rounds > 1'000) {
    throw std::invalid_argument("tuning_options::rounds must be 5 to 1000");
  }
}

/// Steps of a script that a rung plays.
std::size_t steps_of(double part, std::size_t all) {
  return std::max<std::size_t>(static_cast<std::size_t>(part * static_cast<double>(all)),
                               std::min<std::size_t>(all, 1));
}

/// The time for which arenas were open, of all threads together; at least 1.
double open_ns_of(trace const& of) {
  double open = 0;
  for (arena_life const& each : of.arenas()) open += static_cast<double>(each.closed_ns - each.opened_ns);
  return std::max(open, 1.0);
}

class tuner {
 public:
  tuner(trace const& of, replay_settings const& today, tuning_options const& options)
      : of_{of}, script_{of}, today_{today}, options_{(check(options), options)}, random_{options.seed} {
    result_.recommended = today_;
    result_.today.settings = today_;
  }

  tuning_result run() {
    search();
    if (result_.whole) measure();
    if (!result_.whole && result_.finalists.empty()) recommend_by_model();
    if (result_.proof == tuning_proof::measured) ask_what_each_setting_does();
    return std::move(result_);
  }

 private:
  using field = std::vector<tried_settings>;

  // ---- in the model

  void search() {
    field all;
    all.push_back({.settings = today_});
    while (all.size() < options_.points) all.push_back({.settings = random_settings(today_, random_)});
    constexpr std::array parts{1.0 / 16, 1.0 / 4, 1.0};
    for (double const part : parts) {
      if (!try_all(all, part)) break;
      sort(all);
      if (part < 1) all = best_quarter(std::move(all));
    }
    // Those that had no turn any more are no result.
    double const last = today_in(all)->part;
    std::erase_if(all, [&](tried_settings const& each) { return each.part != last || last == 0; });
    result_.tried = std::move(all);
    if (result_.whole) choose_finalists();
    today_first(result_.tried);
  }

  void today_first(field& all) const {
    auto const today = today_in(all);
    if (today != all.end()) std::rotate(all.begin(), today, today + 1);
  }

  /// Today's first: whatever else is known when it ends early can be compared.
  bool try_all(field& all, double part) {
    today_first(all);
    std::size_t done = 0;
    for (tried_settings& each : all) {
      double const of_rung = static_cast<double>(done++) / static_cast<double>(all.size());
      searched_ = (rungs_ + of_rung) / 3;
      if (!go_on("searching", searched_) || !try_one(each, part)) return false;
    }
    rungs_ += 1;
    return true;
  }

  /// false: stopped before the end, and nothing is known.
  bool try_one(tried_settings& each, double part) {
    replay_settings settings = each.settings;
    settings.progress = asks_on_the_way("searching", searched_);
    simulation const model = simulate(script_, settings, steps_of(part, script_.steps.size()));
    if (!model.whole) return false;
    each.memory = model.memory;
    each.mean_committed_bytes = model.mean_committed_bytes;
    each.cost_ns = cost_of(model.memory, each.settings.pages);
    each.part = part;
    each.fits = model.memory.refused == 0 && model.memory.peak_committed_bytes <= options_.max_bytes;
    result_.allocations_modelled += model.memory.allocations;
    result_.modelled_for += model.took;
    return true;
  }

  /// Of what is in order; today's stay in any case. Places that are left are taken by neighbours of the best.
  field best_quarter(field all) {
    std::size_t const keep = std::max<std::size_t>(all.size() / 4, 2);
    field next;
    for (tried_settings& each : all) {
      if (next.size() < keep || is_today(each)) next.push_back(std::move(each));
    }
    for (std::size_t i = 0; i < keep / 2; ++i) next.push_back({.settings = neighbour_of(next[i].settings, random_)});
    return next;
  }

  /// What the goal is least in; what does not fit is behind what does.
  [[nodiscard]] std::tuple<bool, double, bool> rank_of(tried_settings const& each, double most_cost) const {
    bool const for_memory = options_.goal == tuning_goal::memory;
    bool const fits = each.fits && (!for_memory || each.cost_ns <= most_cost);
    return {!fits, for_memory ? each.mean_committed_bytes : each.cost_ns, !is_today(each)};
  }

  /// The best for the goal first; for memory, of those that take at most so much more time than today's.
  void sort(field& all, double slack = memory_slack) const {
    double const most_cost = today_in(all)->cost_ns * slack;
    std::ranges::sort(all, {}, [&](tried_settings const& each) { return rank_of(each, most_cost); });
  }

  /// For memory, half of them are such as should take no more time than today's: what the real thing takes is not
  /// known.
  void choose_finalists() {
    bool const for_memory = options_.goal == tuning_goal::memory;
    add_finalists(for_memory ? most_finalists / 2 : most_finalists, memory_slack);
    if (for_memory) add_finalists(most_finalists, 1);
    add_huge_pages();
    for (tried_settings const& each : finalists_) {
      if (!is_among(result_.tried, each)) result_.tried.push_back(each);
    }
  }

  /// The best of the model, or today's where nothing is better, with other uses of huge pages.
  void add_huge_pages() {
    tried_settings const best = finalists_.empty() ? *today_in(result_.tried) : finalists_.front();
    if (!best.fits) return;
    for (replay_settings const& other : with_other_huge_pages(best.settings)) {
      finalists_.push_back(best);
      finalists_.back().settings = other;
    }
  }

  /// The best, made as much like today's as they can be without being worse in the model: a setting that makes no
  /// difference on this trace is none to recommend.
  void add_finalists(std::size_t until, double slack) {
    constexpr std::size_t most_looked_at = 16;
    field ranked = result_.tried;
    sort(ranked, slack);
    double const most_cost = today_in(ranked)->cost_ns * slack;
    std::size_t looked_at = 0;
    for (tried_settings const& each : ranked) {
      if (std::get<0>(rank_of(each, most_cost))) break;
      if (is_today(each)) continue;
      if (finalists_.size() == until || looked_at++ == most_looked_at || !go_on("searching", 1)) break;
      tried_settings simple = simplest(each, most_cost);
      if (!is_today(simple) && !is_among(finalists_, simple)) finalists_.push_back(std::move(simple));
    }
  }

  static bool is_among(field const& all, tried_settings const& one) {
    return std::ranges::any_of(all, [&](tried_settings const& each) { return same(each.settings, one.settings); });
  }

  tried_settings simplest(tried_settings of, double most_cost) {
    constexpr double no_worse = 1.001;
    for (dimension const& each : dimensions()) {
      if (each.agree(of.settings, today_)) continue;
      tried_settings simpler{.settings = with(of.settings, each, today_)};
      if (!try_one(simpler, 1)) return of;
      auto const is = rank_of(simpler, most_cost);
      auto const was = rank_of(of, most_cost);
      if (std::get<0>(is) > std::get<0>(was) || std::get<1>(is) > no_worse * std::get<1>(was)) continue;
      of = std::move(simpler);
    }
    return of;
  }

  /// Nothing was measured: the best of the last rung that was begun.
  void recommend_by_model() {
    field const& tried = result_.tried;
    if (tried.empty()) return;
    double const most_cost = tried.front().cost_ns * memory_slack;
    auto const rank = [&](tried_settings const& each) { return rank_of(each, most_cost); };
    tried_settings const& best = *std::ranges::min_element(tried, {}, rank);
    if (is_today(best) || std::get<0>(rank(best))) return;
    result_.recommended = best.settings;
    result_.proof = tuning_proof::model;
  }

  void ask_what_each_setting_does() {
    for (dimension const& each : dimensions()) {
      if (each.agree(result_.recommended, today_)) continue;
      tried_settings without{.settings = with(result_.recommended, each, today_)};
      if (!try_one(without, 1)) return;
      result_.without.push_back(std::move(without));
    }
  }

  [[nodiscard]] bool is_today(tried_settings const& each) const { return same(each.settings, today_); }

  /// They are among those tried on each rung.
  [[nodiscard]] field::iterator today_in(field& all) const {
    return std::ranges::find_if(all, [&](tried_settings const& each) { return is_today(each); });
  }

  // ---- for real

  void measure() {
    std::vector<replay_settings> contenders{today_};
    for (tried_settings const& each : finalists_) contenders.push_back(each.settings);
    finals last{options_, contenders, [this](replay_settings const& each) { return measured(each); },
                [this](double done) { return go_on("measuring", measured_ = done); }};
    if (contenders.size() > 1) last.run(result_);
  }

  /// As often in a row as makes a time that can be measured; nothing where it was stopped.
  [[nodiscard]] std::optional<round_figures> measured(replay_settings settings) {
    settings.progress = asks_on_the_way("measuring", measured_);
    constexpr std::chrono::milliseconds long_enough{100};
    round_figures all;
    latency_histogram latency;
    std::chrono::nanoseconds took{0};
    double allocations = 0;
    double requests = 0;
    double runs = 0;
    do {
      replay_report const seen = replay(of_, settings, pace::full_speed);
      if (!seen.whole) return std::nullopt;
      took += seen.took;
      allocations += static_cast<double>(seen.memory.allocations);
      requests += static_cast<double>(seen.memory.requests);
      runs += 1;
      latency.merge(seen.latency);
      all.peak_resident_bytes = std::max(all.peak_resident_bytes, static_cast<double>(seen.peak_resident_bytes));
      all.peak_is_exact = all.peak_is_exact && seen.peak_is_exact;
      all.mean_resident_bytes += seen.mean_resident_bytes;
      all.page_faults += static_cast<double>(seen.page_faults);
      for (class_figures const& of : seen.memory.pages) all.pages_from_system += static_cast<double>(of.from_system);
    } while (took < long_enough);
    auto const ns = static_cast<double>(took.count());
    all.ns_per_allocation = ns / std::max(allocations, 1.0);
    all.requests_per_s = requests * 1e9 / ns;
    all.p99_ns = static_cast<double>(latency.p99().count());
    // Where there are more threads than processors, an arena's time has others' in it: there is no more than this.
    double const in_arenas = static_cast<double>(latency.mean().count()) * static_cast<double>(latency.count());
    double const at_most = ns * std::min(settings.threads == 0 ? of_.threads() : settings.threads, processors_);
    all.memory_share = std::min(std::min(in_arenas, at_most) / runs / open_ns_, 1.0);
    for (double* const each : {&all.mean_resident_bytes, &all.page_faults, &all.pages_from_system}) *each /= runs;
    return all;
  }

  /// A simulation or replay asks when it begins, too: that was asked already.
  std::function<bool(double)> asks_on_the_way(char const* what, double done) {
    return
        [this, what, done, begun = false](double) mutable { return !std::exchange(begun, true) || go_on(what, done); };
  }

  bool go_on(char const* what, double done) {
    if (!options_.progress || options_.progress(what, done)) return true;
    result_.whole = false;
    return false;
  }

  trace const& of_;
  script script_;
  replay_settings today_;
  tuning_options const& options_;
  std::mt19937_64 random_;
  double const open_ns_ = open_ns_of(of_);
  unsigned const processors_ = std::max(std::thread::hardware_concurrency(), 1U);
  double rungs_ = 0;
  double searched_ = 0;
  double measured_ = 0;
  field finalists_;
  tuning_result result_;
};

}  // namespace

tuning_result tune(trace const& of, replay_settings const& today, tuning_options const& options) {
  return tuner{of, today, options}.run();
}

}  // namespace mayfly::trace
