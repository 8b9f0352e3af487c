#pragma once

#include <mayfly/trace/tune.hpp>

#include <functional>
#include <optional>
#include <vector>

namespace mayfly::trace {

/// What settings showed in one round.
struct round_figures {
  double ns_per_allocation = 0;
  double requests_per_s = 0;
  double p99_ns = 0;
  double memory_share = 1;
  double peak_resident_bytes = 0;
  double mean_resident_bytes = 0;
  double page_faults = 0;
  double pages_from_system = 0;
  bool peak_is_exact = true;
};

/// Whether so many wins of so many rounds come about by chance in less than one of twenty cases: the sign test,
/// one-sided.
[[nodiscard]] bool beyond_chance(unsigned wins, unsigned rounds);

/// Settings that take turns with today's. First all of them, until each has been told from today's or the rounds are
/// over: that chooses one, and proves nothing, as the luckiest of four in the luckiest of many looks is often lucky.
/// Then that one alone, in as many fresh rounds as were said before: one test, which is wrong in one case of twenty.
class finals {
 public:
  /// Nothing: it was told to stop.
  using measure = std::function<std::optional<round_figures>(replay_settings const&)>;
  using go_on = std::function<bool(double done)>;

  /// `contenders`: today's first. `keeps_going` is asked before each measurement.
  finals(tuning_options const& options, std::vector<replay_settings> const& contenders, measure measures,
         go_on keeps_going);

  /// Fills in today, finalists, recommended, proof, today_fits; not whole where it was told to stop.
  void run(tuning_result& into);

 private:
  /// One setting's figures, a value a round.
  struct record {
    replay_settings settings;
    std::vector<round_figures> rounds{};
    std::vector<double> gains{};
    std::vector<double> slower{};
    unsigned won = 0;
  };
  using records = std::vector<record>;

  [[nodiscard]] bool play_round(records& among, std::size_t round);
  void count_round(records& among) const;
  [[nodiscard]] bool screen();
  [[nodiscard]] std::size_t chosen(bool today_fits) const;
  [[nodiscard]] bool confirm(record const& one, bool today_fits);
  [[nodiscard]] bool decided(std::size_t rounds) const;
  [[nodiscard]] double goal_figure(round_figures const& of) const;
  [[nodiscard]] bool keeps_bounds(measured_settings const& of) const;
  [[nodiscard]] static measured_settings medians(record const& of);
  void judge(tuning_result& into) const;

  tuning_options const& options_;
  measure measure_;
  go_on go_on_;
  records screened_;   // today's first
  records confirmed_;  // today's, and the one
  std::size_t chosen_ = 0;
  double steps_done_ = 0;
  double steps_ = 0;
};

}  // namespace mayfly::trace
