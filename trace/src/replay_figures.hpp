#pragma once

#include <mayfly/page_pool.hpp>
#include <mayfly/trace/replay.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

namespace mayfly::trace {

/// How many threads play. Throws std::invalid_argument.
[[nodiscard]] unsigned threads_of(trace const& of, replay_settings const& settings);

/// Ends the pool's epochs as the trace's time passes. One thread.
class epoch_ends {
 public:
  epoch_ends(page_pool& pages, std::chrono::nanoseconds length) noexcept
      : pages_{pages}, length_ns_{static_cast<std::uint64_t>(length.count())}, next_ns_{length_ns_} {}

  /// It is so late now. `before_end` is told the time of each epoch that ends, just before it does.
  template <class BeforeEnd>
  void pass(std::uint64_t now_ns, BeforeEnd const& before_end) noexcept {
    // what is idle is gone after so many: a night without a request needs no more
    constexpr std::uint64_t enough = page_pool_options::most_idle_epochs + 1;
    if (length_ns_ == 0 || now_ns < next_ns_) return;
    std::uint64_t const due = (now_ns - next_ns_) / length_ns_ + 1;
    for (std::uint64_t i = 0; i < std::min(due, enough); ++i) {
      before_end(next_ns_ + i * length_ns_);
      returned_bytes_ += pages_.end_epoch();
    }
    next_ns_ += due * length_ns_;
  }
  /// When the next epoch ends; never, where there are none.
  [[nodiscard]] std::uint64_t next_ns() const noexcept {
    return length_ns_ == 0 ? std::numeric_limits<std::uint64_t>::max() : next_ns_;
  }

  [[nodiscard]] std::uint64_t returned_bytes() const noexcept { return returned_bytes_; }

 private:
  page_pool& pages_;
  std::uint64_t length_ns_;
  std::uint64_t next_ns_;
  std::uint64_t returned_bytes_ = 0;
};

/// The mean of a value that holds from one time to the next.
class mean_over_time {
 public:
  /// The value was so much from the time told before until now.
  void hold_until(std::uint64_t now_ns, std::size_t value) noexcept {
    if (!began_) {
      began_ = true;
      last_ns_ = now_ns;
    }
    double const length = static_cast<double>(now_ns - last_ns_);
    last_ns_ = now_ns;
    area_ += length * static_cast<double>(value);
    length_ += length;
  }
  [[nodiscard]] double mean() const noexcept { return length_ == 0 ? 0 : area_ / length_; }

 private:
  bool began_ = false;
  std::uint64_t last_ns_ = 0;
  double area_ = 0;
  double length_ = 0;
};

/// Asks the caller now and then whether to go on. One thread.
class progress_steps {
 public:
  progress_steps(std::function<bool(double)> const& ask, std::size_t all) noexcept : ask_{ask}, all_{all} {}
  [[nodiscard]] bool go_on() {
    constexpr std::size_t between = 4096;
    return done_++ % between != 0 || ask();
  }
  /// Between two steps that are far apart.
  [[nodiscard]] bool ask() const { return !ask_ || ask_(static_cast<double>(done_) / static_cast<double>(all_)); }

 private:
  std::function<bool(double)> const& ask_;
  std::size_t all_;
  std::size_t done_ = 0;
};

/// Adds what the pool has counted.
void add_pool_figures(page_pool const& pages, std::uint64_t returned_bytes, memory_figures& to);

/// Adds what another thread's arenas took.
void add(memory_figures& to, memory_figures const& more) noexcept;

}  // namespace mayfly::trace
