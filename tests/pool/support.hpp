#pragma once

#include <mayfly/executor.hpp>
#include <mayfly/schedule_point.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>

namespace mayfly::test {

/// The seed of a randomised test: MAYFLY_TEST_SEED, or a fresh one; printed, so that a failure can be repeated.
inline std::uint64_t seed() {
  static std::uint64_t const chosen = [] {
    char const* const given = std::getenv("MAYFLY_TEST_SEED");
    std::uint64_t const value = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "MAYFLY_TEST_SEED=" << value << "\n";
    return value;
  }();
  return chosen;
}

/// Waits, without a limit of its own (ctest has one), until `condition()` holds.
template <class Condition>
void wait_until(Condition&& condition) {
  while (!condition()) std::this_thread::yield();
}

/// For tests that try schedules at random, as many as there is time for: where other programs want the processors, each
/// yield may take milliseconds, and the last of them must not come when the test has been given up. A test that is cut
/// short says in its output how many there were.
class time_to_spend {
 public:
  [[nodiscard]] bool spent() const { return std::chrono::steady_clock::now() > until_; }

  /// To be told at the end.
  static void tell(std::uint64_t done, std::uint64_t wanted) {
    std::cout << done << " of " << wanted << " requests" << (done < wanted ? ", as the time was up" : "") << "\n";
  }

 private:
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + std::chrono::seconds{5};
};

/// While it lives, every step of the lock-free algorithms may give way to another thread, at random: schedules that
/// real time rarely produces. Only in builds with MAYFLY_SCHEDULE_POINTS.
class shaken_schedules {
 public:
  shaken_schedules() {
    start() = seed();
    set_schedule_hook([](char const*) noexcept {
      static std::atomic<std::uint64_t> threads{0};
      thread_local std::minstd_rand random(static_cast<unsigned>(start() + threads.fetch_add(1)));
      if (random() % 4 == 0) std::this_thread::yield();
    });
  }
  ~shaken_schedules() { set_schedule_hook(nullptr); }
  shaken_schedules(shaken_schedules const&) = delete;
  shaken_schedules& operator=(shaken_schedules const&) = delete;

 private:
  static std::uint64_t& start() {
    static std::uint64_t value = 0;
    return value;
  }
};

/// A completion for whom it does not matter.
inline constexpr auto ignore = [](auto const&, request_context&) {};

/// Occupies workers until opened: what is submitted behind it waits in the queue.
class roadblock {
 public:
  explicit roadblock(executor& pool, std::size_t workers = 1)
      : state_(std::make_shared<state>(static_cast<std::ptrdiff_t>(workers))) {
    for (std::size_t i = 0; i < workers; ++i) {
      auto const admitted = pool.try_submit(
          {.route = "roadblock", .priority = priority::high},
          [state = state_](request_context&) {
            state->started.count_down();
            state->open.wait();
          },
          ignore);
      if (!admitted) std::abort();
    }
    state_->started.wait();
  }
  ~roadblock() { open(); }
  roadblock(roadblock const&) = delete;
  roadblock& operator=(roadblock const&) = delete;

  void open() {
    if (!state_->opened.exchange(true)) state_->open.count_down();
  }

 private:
  /// Shared with the handlers, which may still be waking up when the block has gone.
  struct state {
    explicit state(std::ptrdiff_t workers) : started(workers) {}
    std::latch started;
    std::latch open{1};
    std::atomic<bool> opened{false};
  };
  std::shared_ptr<state> state_;
};

}  // namespace mayfly::test
