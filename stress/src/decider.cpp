#include <mayfly/explorer/decider.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace mayfly::explorer {
namespace {

constexpr std::uint32_t one_load_in = 4;  // random strategies: so many give an older value, where there is one

}  // namespace

void decider::start(std::size_t threads, bool again) {
  position_ = 0;
  preemptions_left_ = options_.preemptions;
  stale_reads_left_ = options_.stale_reads;
  if (options_.how == strategy::exhaustive || again) return;
  trail_.clear();
  if (options_.how != strategy::priorities) return;
  longest_ = std::max(longest_, step_);
  step_ = 0;
  // Priorities above the number of change points, which are the low ones.
  for (std::size_t i = 0; i < max_threads; ++i) priority_[i] = options_.change_points + static_cast<std::uint32_t>(i);
  std::shuffle(priority_.begin() + 1, priority_.begin() + 1 + static_cast<std::ptrdiff_t>(threads), random_);
  changes_.resize(options_.change_points);
  for (std::uint32_t& each : changes_) each = 1 + below(longest_);
}

bool decider::advance() {
  if (options_.how != strategy::exhaustive) return true;
  trail_.resize(position_);
  while (!trail_.empty() && trail_.back().taken + 1 == trail_.back().count) trail_.pop_back();
  if (trail_.empty()) return false;
  ++trail_.back().taken;
  return true;
}

thread_number decider::next_thread(std::span<thread_number const> ready, bool running) {
  ++step_;
  thread_number const next = choose_thread(ready, running);
  if (options_.how == strategy::priorities) fall_behind(next);
  return next;
}

thread_number decider::choose_thread(std::span<thread_number const> ready, bool running) {
  bool const stays = running && options_.how == strategy::exhaustive && preemptions_left_ == 0;
  if (ready.size() == 1 || stays) return ready.front();
  std::uint32_t wish = 0;
  auto const count = static_cast<std::uint32_t>(ready.size());
  if (options_.how == strategy::random) wish = below(count);
  if (options_.how == strategy::priorities) wish = highest(ready);
  std::uint32_t const taken = decide(count, wish);
  if (running && taken != 0 && options_.how == strategy::exhaustive) --preemptions_left_;
  return ready[taken];
}

/// Whose step is one of those where priorities change goes behind all others after it.
void decider::fall_behind(thread_number stepping) {
  for (std::uint32_t i = 0; i < changes_.size(); ++i) {
    if (changes_[i] == step_) priority_[stepping] = i;
  }
}

std::uint32_t decider::highest(std::span<thread_number const> ready) const {
  auto const first = std::max_element(ready.begin(), ready.end(),
                                      [this](thread_number a, thread_number b) { return priority_[a] < priority_[b]; });
  return static_cast<std::uint32_t>(first - ready.begin());
}

std::uint32_t decider::next_value(std::uint32_t count) {
  if (count <= 1 || stale_reads_left_ == 0) return 0;
  bool const old = options_.how != strategy::exhaustive && below(one_load_in) == 0;
  std::uint32_t const taken = decide(count, old ? 1 + below(count - 1) : 0);
  if (taken != 0) --stale_reads_left_;
  return taken;
}

std::uint32_t decider::decide(std::uint32_t count, std::uint32_t wish) {
  if (position_ == trail_.size()) trail_.push_back({.taken = wish, .count = count});
  decision const& now = trail_[position_++];
  if (now.count != count) {
    std::fputs("explorer: the program does not do the same when it is given the same values\n", stderr);
    std::abort();
  }
  return now.taken;
}

std::uint32_t decider::below(std::uint32_t bound) {
  return static_cast<std::uint32_t>((random_() >> 32U) * bound >> 32U);  // Lemire's multiplication; the bias is < 2^-26
}

}  // namespace mayfly::explorer
