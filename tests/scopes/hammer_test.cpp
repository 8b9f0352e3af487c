// Randomised tests with many threads on few slots. They print their seed and take one (MAYFLY_TEST_SEED); where
// schedule points are compiled in, every lock-free step may yield.

#include "support.hpp"
#include <mayfly/schedule_point.hpp>
#include <mayfly/scope.hpp>
#include <mayfly/scope_registry.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

constexpr std::size_t threads = 4;

thread_local test::random_numbers perturbation{0};

void yield_at_times(char const*) noexcept {
  if (perturbation.below(16) == 0) std::this_thread::yield();
}

/// Runs body(thread number, random numbers) on every thread at once.
template <typename Body>
void on_all_threads(std::uint64_t seed, Body body) {
  set_schedule_hook(yield_at_times);
  std::latch ready{threads};
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      perturbation = test::random_numbers{seed * 31 + t};
      test::random_numbers random{seed * 37 + t};
      ready.arrive_and_wait();
      body(t, random);
    });
  }
  for (auto& worker : workers) worker.join();
  set_schedule_hook(nullptr);
}

/// What the test knows of one scope beside the registry: everything the registry may say of it follows from its number.
struct shadow {
  std::atomic<std::uint64_t> id{0};  // bits; release: everything else is there to be compared
  std::atomic<bool> ended{false};    // release: close() has returned, and there was no hold
  std::atomic<bool> cancel_asked{false};
  std::atomic<bool> seen_cancelled{false};
  std::atomic<int> destroyed{0};
  struct tenant* object = nullptr;
  std::string route;
};

/// Lies in the scope. `number` is plain: a pin that does not protect it is a data race, and reads poisoned memory.
struct tenant {
  tenant(shadow& of, std::size_t n) : known(of), number(n) {}
  tenant(tenant const&) = delete;
  tenant& operator=(tenant const&) = delete;
  ~tenant() {
    number = ~std::size_t{0};
    known.destroyed.fetch_add(1, std::memory_order_relaxed);
  }

  shadow& known;
  std::size_t number;
};

class Hammer : public ::testing::Test {
 protected:
  static constexpr std::uint32_t capacity = 6;
  static constexpr std::size_t scopes_in_all = 6'000;

  scope_clock::time_point stamp(std::size_t n) const {
    return scope_clock::time_point{scope_clock::duration{static_cast<scope_clock::rep>(n) + 1'000}};
  }

  /// Opens scope number n; false where the registry is full.
  scope* open(std::size_t n) {
    shadow& known = known_[n];
    known.route = "route " + std::to_string(n);
    scope* const opened = s_.registry.open({.route = known.route, .deadline = stamp(n), .opened = stamp(n)});
    if (opened == nullptr) return nullptr;
    scope_entry const entered{*opened};
    known.object = opened->make<tenant>(known, n);
    known.id.store(opened->id().bits(), std::memory_order_release);
    return opened;
  }

  void close(scope* opened, std::size_t n) {
    if (opened->stop_requested()) known_[n].seen_cancelled.store(true, std::memory_order_relaxed);
    opened->close();
    known_[n].ended.store(true, std::memory_order_release);
  }

  void look_at(std::size_t n, test::random_numbers& random) {
    shadow& known = known_[n];
    scope_id const id = scope_id::from_bits(known.id.load(std::memory_order_acquire));
    if (!id) return;
    bool const ended = known.ended.load(std::memory_order_acquire);
    switch (random.below(3)) {
      case 0: {
        auto const info = s_.registry.find(id);
        ASSERT_FALSE(info && ended);
        if (!info) break;
        ASSERT_EQ(info->id, id);
        ASSERT_EQ(info->route, known.route);
        ASSERT_EQ(info->opened, stamp(n));
        ASSERT_EQ(info->deadline, stamp(n));
        ASSERT_NE(info->phase, scope_phase::free);
        break;
      }
      case 1: {
        scope_pin const pin = s_.registry.pin(id);
        ASSERT_FALSE(pin && ended);
        if (!pin) break;
        ASSERT_EQ(pin.get().id(), id);
        ASSERT_EQ(known.object->number, n);
        break;
      }
      default:
        if (!ended && random.below(4) != 0) break;
        known.cancel_asked.store(true, std::memory_order_relaxed);
        ASSERT_FALSE(s_.registry.request_cancel(id) && ended);
    }
  }

  void check_the_end() {
    std::size_t opened = 0;
    for (std::size_t n = 0; n < scopes_in_all; ++n) {
      shadow const& known = known_[n];
      scope_id const id = scope_id::from_bits(known.id.load(std::memory_order_relaxed));
      if (!id) continue;
      ++opened;
      ASSERT_EQ(known.destroyed.load(std::memory_order_relaxed), 1) << "torn down exactly once";
      ASSERT_TRUE(test::refused(s_.registry, id));
      ASSERT_LE(known.seen_cancelled.load(std::memory_order_relaxed),
                known.cancel_asked.load(std::memory_order_relaxed))
          << "a cancel reached a tenant that it was not meant for";
    }
    EXPECT_EQ(opened, scopes_in_all);
    EXPECT_EQ(s_.registry.live(), 0U);
    EXPECT_EQ(s_.pages_in_use(), 0U);
    std::vector<scope*> all;
    while (scope* const next = s_.registry.open({})) all.push_back(next);
    EXPECT_EQ(all.size(), capacity) << "no slot was lost";
    for (scope* const each : all) each->close();
  }

  test::scopes s_{capacity};
  std::unique_ptr<shadow[]> known_ = std::make_unique<shadow[]>(scopes_in_all);
};

TEST_F(Hammer, NoIdEverShowsPinsOrCancelsAnotherTenant) {
  std::uint64_t const start = test::seed();
  std::atomic<std::size_t> next{0};
  on_all_threads(start, [&](std::size_t, test::random_numbers& random) {
    std::vector<std::pair<scope*, std::size_t>> mine;
    std::size_t n = next.fetch_add(1, std::memory_order_relaxed);
    while (n < scopes_in_all) {
      if (mine.size() < 2 && random.below(2) == 0) {
        if (scope* const opened = open(n)) {
          mine.emplace_back(opened, n);
          n = next.fetch_add(1, std::memory_order_relaxed);
        } else {
          std::this_thread::yield();  // full: the others hold all slots, and are perhaps not running
        }
      }
      std::size_t const newest = std::min(next.load(std::memory_order_relaxed), scopes_in_all);
      for (int i = 0; i < 3 && newest > 0; ++i) {
        std::size_t const back = random.below(std::min<std::size_t>(newest, random.below(8) == 0 ? newest : 12));
        look_at(newest - 1 - back, random);
        if (::testing::Test::HasFatalFailure()) break;
      }
      if (!mine.empty() && random.below(2) == 0) {
        close(mine.back().first, mine.back().second);
        mine.pop_back();
      }
    }
    for (auto const& [opened, number] : mine) close(opened, number);
  });
  check_the_end();
}

TEST_F(Hammer, HoldsPinsAndTheCloseEndAScopeExactlyOnce) {
  constexpr std::size_t rounds = 500;
  std::uint64_t const start = test::seed();
  for (std::size_t n = 0; n < rounds; ++n) {
    scope* const opened = open(n);
    ASSERT_NE(opened, nullptr);
    scope_id const id = opened->id();
    std::array<scope_hold, threads> holds;
    scope_entry const entered{*opened};
    for (std::size_t t = 1; t < threads; ++t) holds[t] = opened->hold();
    scope_exemption const outside;
    on_all_threads(start + n, [&](std::size_t t, test::random_numbers& random) {
      std::vector<scope_pin> pins;
      for (std::size_t i = random.below(3); i > 0; --i) pins.push_back(s_.registry.pin(id));
      if (t == 0) {
        ASSERT_TRUE(s_.registry.close(id));
      } else {
        scope_hold mine = std::move(holds[t]);
        if (random.below(2) == 0) {
          scope_hold another = mine->hold();
          mine.release();
          ASSERT_EQ(known_[n].object->number, n);
        }
      }
      for (auto& pin : pins) {
        if (pin) {
          ASSERT_EQ(known_[n].object->number, n);
        }
        pin = {};
      }
    });
    ASSERT_EQ(known_[n].destroyed.load(std::memory_order_relaxed), 1);
    ASSERT_TRUE(test::refused(s_.registry, id));
    ASSERT_EQ(s_.pages_in_use(), 0U);
  }
}

TEST_F(Hammer, LanesOfAllThreadsEndWithTheirScope) {
  constexpr std::size_t rounds = 200;
  std::uint64_t const start = test::seed();
  for (std::size_t n = 0; n < rounds; ++n) {
    scope& opened = s_.open();
    std::atomic<int> made{0};
    std::atomic<int> ended{0};
    on_all_threads(start + n, [&](std::size_t, test::random_numbers& random) {
      for (std::size_t i = random.below(4); i > 0; --i) {
        scope_entry const entered{opened};
        for (std::size_t j = random.below(20); j > 0; --j) {
          opened.make<test::farewell>([&ended] { ended.fetch_add(1, std::memory_order_relaxed); });
          made.fetch_add(1, std::memory_order_relaxed);
          static_cast<void>(opened.arena().allocate(random.below(3'000)));
        }
      }
    });
    opened.close();
    ASSERT_EQ(ended.load(std::memory_order_relaxed), made.load(std::memory_order_relaxed));
    ASSERT_EQ(s_.pages_in_use(), 0U);
  }
}

TEST_F(Hammer, ListingsShowOnlyWholeScopesWhileTheyComeAndGo) {
  std::uint64_t const start = test::seed();
  std::atomic<std::size_t> next{0};
  on_all_threads(start, [&](std::size_t t, test::random_numbers&) {
    while (true) {
      if (t == 0) {
        std::uint32_t last = 0;
        s_.registry.for_each_live([&](scope_info const& info) {
          std::size_t const n = static_cast<std::size_t>(info.deadline.time_since_epoch().count()) - 1'000;
          ASSERT_LT(n, scopes_in_all);
          ASSERT_EQ(info.opened, stamp(n));
          ASSERT_EQ(info.route, "route " + std::to_string(n));
          ASSERT_TRUE(last == 0 || info.id.slot() > last) << "in slot order, none twice";
          last = info.id.slot();
        });
        if (next.load(std::memory_order_relaxed) >= scopes_in_all) return;
        continue;
      }
      std::size_t const n = next.fetch_add(1, std::memory_order_relaxed);
      if (n >= scopes_in_all) return;
      if (scope* const opened = open(n)) {
        opened->set_phase(scope_phase::completing);
        close(opened, n);
      }
    }
  });
  check_the_end();
}

}  // namespace
}  // namespace mayfly
