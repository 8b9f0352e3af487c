#pragma once

#include <mayfly/executor.hpp>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <latch>
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

/// A completion for whom it does not matter.
inline constexpr auto ignore = [](auto const&, request_context&) {};

/// Occupies one worker until opened: what is submitted behind it waits in the queue.
class roadblock {
 public:
  explicit roadblock(executor& pool, std::size_t workers = 1) : started_(static_cast<std::ptrdiff_t>(workers)) {
    for (std::size_t i = 0; i < workers; ++i) {
      auto const admitted = pool.try_submit(
          {.route = "roadblock", .priority = priority::high},
          [this](request_context&) {
            started_.count_down();
            open_.wait();
          },
          ignore);
      if (!admitted) std::abort();
    }
    started_.wait();
  }
  ~roadblock() { open(); }
  roadblock(roadblock const&) = delete;
  roadblock& operator=(roadblock const&) = delete;

  void open() {
    if (!opened_.exchange(true)) open_.count_down();
  }

 private:
  std::latch started_;
  std::latch open_{1};
  std::atomic<bool> opened_{false};
};

}  // namespace mayfly::test
