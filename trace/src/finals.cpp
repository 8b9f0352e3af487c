#include "finals.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

namespace mayfly::trace {
namespace {

constexpr unsigned least_rounds = 5;
constexpr double time_slack = 0.05;  // what a run for memory may take longer

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// By which part of `was` the other is less.
double less_by(double is, double was) { return was == 0 ? 0 : 1 - is / was; }

}  // namespace

bool beyond_chance(unsigned wins, unsigned rounds) {
  double chance = 0;
  double ways = 1;  // of choosing `won` rounds of all
  for (unsigned won = 0; won <= rounds; ++won) {
    if (won >= wins) chance += ways;
    ways = ways * (rounds - won) / (won + 1);
  }
  return chance / std::exp2(rounds) < 0.05;
}

finals::finals(tuning_options const& options, std::vector<replay_settings> const& contenders, measure measures,
               go_on keeps_going)
    : options_{options}, measure_{std::move(measures)}, go_on_{std::move(keeps_going)} {
  for (replay_settings const& each : contenders) screened_.push_back({.settings = each});
  steps_ = options.rounds * (static_cast<double>(contenders.size()) + 2);
}

void finals::run(tuning_result& into) {
  into.whole = screen();
  into.today_fits = medians(screened_.front()).largest_peak_bytes <= static_cast<double>(options_.max_bytes);
  chosen_ = chosen(into.today_fits);
  if (into.whole && chosen_ != 0) into.whole = confirm(screened_[chosen_], into.today_fits);
  judge(into);
}

bool finals::screen() {
  for (unsigned round = 0; round < options_.rounds && !decided(round); ++round) {
    if (!play_round(screened_, round)) return false;
  }
  steps_done_ = steps_ - 2.0 * options_.rounds;
  return true;
}

/// The best that keeps within its bounds, by its number; 0: none is better than today's.
std::size_t finals::chosen(bool today_fits) const {
  std::size_t best = 0;
  double most = today_fits ? 0 : std::numeric_limits<double>::lowest();
  for (std::size_t i = 1; i < screened_.size(); ++i) {
    measured_settings const seen = medians(screened_[i]);
    if (seen.rounds == 0 || !keeps_bounds(seen) || seen.gain <= most) continue;
    best = i;
    most = seen.gain;
  }
  return best;
}

/// Fresh rounds: all of them, unless those that are left can no longer make it better beyond chance.
bool finals::confirm(record const& one, bool today_fits) {
  confirmed_ = {{.settings = screened_.front().settings}, {.settings = one.settings}};
  unsigned const all = options_.rounds;
  for (unsigned round = 0; round < all; ++round) {
    bool const hopeless = !beyond_chance(confirmed_[1].won + (all - round), all);
    if (today_fits && hopeless) break;
    if (!play_round(confirmed_, round)) return false;
  }
  return true;
}

/// None is always the first, or always behind the same one. A round that was not finished counts for nothing.
bool finals::play_round(records& among, std::size_t round) {
  std::vector<round_figures> seen(among.size());
  for (std::size_t i = 0; i < among.size(); ++i) {
    if (!go_on_(steps_done_++ / steps_)) return false;
    std::size_t const turn = (i + round) % among.size();
    std::optional<round_figures> const measured = measure_(among[turn].settings);
    if (!measured) return false;
    seen[turn] = *measured;
  }
  for (std::size_t i = 0; i < among.size(); ++i) among[i].rounds.push_back(seen[i]);
  count_round(among);
  return true;
}

double finals::goal_figure(round_figures const& of) const {
  return options_.goal == tuning_goal::throughput ? of.ns_per_allocation : of.mean_resident_bytes;
}

void finals::count_round(records& among) const {
  round_figures const& today = among.front().rounds.back();
  for (record& each : among) {
    round_figures const& is = each.rounds.back();
    double const gain = less_by(goal_figure(is), goal_figure(today));
    each.gains.push_back(gain);
    each.slower.push_back(-less_by(is.ns_per_allocation, today.ns_per_allocation));
    if (gain > 0) ++each.won;
  }
}

/// Whether every finalist has been told from today's, one way or the other.
bool finals::decided(std::size_t rounds) const {
  if (screened_.size() < 2) return true;
  if (rounds < least_rounds) return false;
  auto const count = static_cast<unsigned>(rounds);
  return std::ranges::all_of(screened_.begin() + 1, screened_.end(), [&](record const& each) {
    return beyond_chance(each.won, count) || beyond_chance(count - each.won, count);
  });
}

bool finals::keeps_bounds(measured_settings const& of) const {
  bool const in_time = options_.goal == tuning_goal::throughput || of.slower <= time_slack;
  return in_time && of.largest_peak_bytes <= static_cast<double>(options_.max_bytes);
}

measured_settings finals::medians(record const& of) {
  auto const middle = [&of](double round_figures::* figure) {
    std::vector<double> values;
    values.reserve(of.rounds.size());
    for (round_figures const& each : of.rounds) values.push_back(each.*figure);
    return median(std::move(values));
  };
  measured_settings to{.settings = of.settings,
                       .requests_per_s = middle(&round_figures::requests_per_s),
                       .ns_per_allocation = middle(&round_figures::ns_per_allocation),
                       .p99_ns = middle(&round_figures::p99_ns),
                       .memory_share = middle(&round_figures::memory_share),
                       .peak_resident_bytes = middle(&round_figures::peak_resident_bytes),
                       .mean_resident_bytes = middle(&round_figures::mean_resident_bytes),
                       .page_faults = middle(&round_figures::page_faults),
                       .pages_from_system = middle(&round_figures::pages_from_system),
                       .rounds = static_cast<unsigned>(of.rounds.size()),
                       .rounds_won = of.won,
                       .gain = median(of.gains),
                       .slower = median(of.slower)};
  for (round_figures const& each : of.rounds) {
    to.largest_peak_bytes = std::max(to.largest_peak_bytes, each.peak_resident_bytes);
    to.peak_is_exact = to.peak_is_exact && each.peak_is_exact;
  }
  return to;
}

void finals::judge(tuning_result& into) const {
  bool const fresh = !confirmed_.empty() && !confirmed_.front().rounds.empty();
  into.today = medians(fresh ? confirmed_.front() : screened_.front());
  into.recommended = into.today.settings;
  for (std::size_t i = 1; i < screened_.size(); ++i) {
    if (screened_[i].rounds.empty()) continue;
    into.finalists.push_back(medians(fresh && i == chosen_ ? confirmed_[1] : screened_[i]));
    into.finalists.back().is_confirmed = fresh && i == chosen_;
  }
  std::size_t const best = chosen_;
  std::ranges::sort(into.finalists, std::greater{}, [&](measured_settings const& each) {
    return std::pair{best != 0 && same(each.settings, screened_[best].settings), each.gain};
  });
  if (into.finalists.empty()) return;
  measured_settings const& first = into.finalists.front();
  into.gain_in_all = first.gain * (options_.goal == tuning_goal::throughput ? into.today.memory_share : 1);
  if (best == 0 || !keeps_bounds(first)) return;
  bool const worth_it = first.gain > 0 && into.gain_in_all >= options_.least_gain;
  bool const better = worth_it && beyond_chance(first.rounds_won, options_.rounds);
  if (into.whole && (better || !into.today_fits)) into.proof = tuning_proof::measured;
  if (!into.whole && (worth_it || !into.today_fits)) into.proof = tuning_proof::rounds;
  if (into.proof != tuning_proof::nothing) into.recommended = first.settings;
}

}  // namespace mayfly::trace
