#pragma once

#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <thread>
#include <vector>

// What every test of ill-treatment counts: how often each request ended, and what is left when all is over.
namespace mayfly::test {

/// How often each of so many requests was accepted, and how often it ended. Its counters order nothing.
class endings {
 public:
  explicit endings(std::size_t requests) : accepted_(requests), ended_(requests) {}

  void accept(std::size_t request, admission const& answer) {
    accepted_[request].fetch_add(answer ? 1 : 0, std::memory_order_relaxed);
  }
  void end(std::size_t request, outcome_kind how) {
    ended_[request].fetch_add(1, std::memory_order_relaxed);
    kinds_[static_cast<std::size_t>(how)].fetch_add(1, std::memory_order_relaxed);
  }
  /// A completion that notes the end of one request.
  auto noted(std::size_t request) {
    return [this, request](auto const& how, request_context&) { end(request, how.kind()); };
  }
  [[nodiscard]] std::size_t of(outcome_kind kind) const { return kinds_[static_cast<std::size_t>(kind)]; }

  /// For when all is over: each accepted request has ended once, each refused one never.
  [[nodiscard]] std::size_t expect_one_each() const {
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < accepted_.size(); ++i) {
      EXPECT_EQ(ended_[i].load(), accepted_[i].load()) << "request " << i;
      accepted += accepted_[i].load();
    }
    return accepted;
  }

 private:
  std::vector<std::atomic<std::size_t>> accepted_;
  std::vector<std::atomic<std::size_t>> ended_;
  std::array<std::atomic<std::size_t>, 4> kinds_{};
};

inline void expect_all_home(page_pool const& pages) {
  EXPECT_EQ(pages.stats().pages_in_use(), 0U);
  EXPECT_EQ(pages.stats().blocks_in_use, 0U);
}

inline std::size_t threads_of_this_process() {
  static bool const one_was_made = (std::thread([] {}).join(), true);  // ThreadSanitizer adds its own at the first
  static_cast<void>(one_was_made);
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

/// A joined thread may stay in /proc for a moment.
inline void expect_threads(std::size_t most) {
  auto const give_up = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (threads_of_this_process() > most && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_LE(threads_of_this_process(), most);
}

/// Runs `fn` when it goes: with the stack that an exception unwinds.
template <class Fn>
struct at_the_end {
  Fn fn;
  ~at_the_end() { fn(); }
};
template <class Fn>
at_the_end(Fn) -> at_the_end<Fn>;

}  // namespace mayfly::test
