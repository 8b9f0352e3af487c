#pragma once

#include <mayfly/explorer.hpp>

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace mayfly::explorer {

/// Takes the decisions of one execution after the other, remembers them, and knows when there are no others.
class decider {
 public:
  explicit decider(options const& how) : options_{how}, random_{how.seed} {}

  /// A new execution, of that many threads. With `again` it takes the decisions of the last one.
  void start(std::size_t threads, bool again);
  /// Whether there is another execution; moves on to it. After the end of one.
  [[nodiscard]] bool advance();

  /// Which of the threads goes on: one of `ready`, of which the first is the one that is running, if `running`.
  [[nodiscard]] thread_number next_thread(std::span<thread_number const> ready, bool running);
  /// Which of so many values a load gives: 0 is the newest. At least 1.
  [[nodiscard]] std::uint32_t next_value(std::uint32_t count);

 private:
  struct decision {
    std::uint32_t taken;
    std::uint32_t count;
  };

  [[nodiscard]] std::uint32_t decide(std::uint32_t count, std::uint32_t wish);
  [[nodiscard]] std::uint32_t below(std::uint32_t bound);
  [[nodiscard]] std::uint32_t highest(std::span<thread_number const> ready) const;
  [[nodiscard]] thread_number choose_thread(std::span<thread_number const> ready, bool running);
  void fall_behind(thread_number stepping);

  options options_;
  std::mt19937_64 random_;
  std::vector<decision> trail_;
  std::size_t position_ = 0;  // in the trail
  std::uint32_t preemptions_left_ = 0;
  std::uint32_t stale_reads_left_ = 0;

  // priorities
  std::array<std::uint32_t, max_threads> priority_{};
  std::vector<std::uint32_t> changes_;  // who takes one of these steps falls behind; the first is 1
  std::uint32_t step_ = 0;
  std::uint32_t longest_ = 32;  // steps of the longest execution so far
};

}  // namespace mayfly::explorer
