// Threads that open, fill and close scopes, others that follow old and new refs into them. What is pinned must be what
// the ref was made for; the race detector judges the reading of it.

#include "support.hpp"
#include <mayfly/scoped_ref.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

struct named {
  std::uint64_t name;  // plain
};

/// Refs that were handed out, each with what it must lead to.
class notice_board {
 public:
  struct note {
    scoped_ref<named> ref;
    std::uint64_t name = 0;
  };

  void put(std::size_t place, note const& fresh) {
    std::scoped_lock const lock{mutex_};
    notes_[place % size] = fresh;
  }
  [[nodiscard]] note get(std::size_t place) {
    std::scoped_lock const lock{mutex_};
    return notes_[place % size];
  }

 private:
  static constexpr std::size_t size = 64;

  std::mutex mutex_;
  std::array<note, size> notes_{};
};

TEST(ScopedRefHammer, WhatIsPinnedIsWhatTheRefWasMadeFor) {
  constexpr int lives = 3'000;
  constexpr std::size_t openers = 2;
  constexpr std::size_t followers = 2;
  std::uint64_t const seed = test::seed();
  test::scopes s{3};  // few slots and pages, many tenants
  notice_board board;
  std::atomic<std::uint64_t> names{0};
  std::atomic<std::size_t> at_work{openers};
  std::atomic<std::uint64_t> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < openers; ++t) {
      threads.emplace_back([&, t] {
        test::random_numbers random{seed + t};
        for (int life = 0; life < lives; ++life) {
          scope* const opened = s.registry.open({});
          if (opened == nullptr) continue;  // the followers' pins keep slots
          {
            scope_entry const entered{*opened, opened->main_arena()};
            for (std::size_t objects = random.below(4); objects-- > 0;) {
              std::uint64_t const name = names.fetch_add(1, std::memory_order_relaxed);
              board.put(random.below(64), {{*opened, *opened->make<named>(name)}, name});
            }
          }
          opened->close();
        }
        at_work.fetch_sub(1, std::memory_order_release);
      });
    }
    for (std::size_t t = 0; t < followers; ++t) {
      threads.emplace_back([&, t] {
        test::random_numbers random{seed + openers + t};
        while (at_work.load(std::memory_order_acquire) != 0) {
          auto const note = board.get(random.below(64));
          auto const found = note.ref.pin();
          if (found && found->name != note.name) wrong.fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
  }
  EXPECT_EQ(wrong.load(), 0U);
  for (std::size_t place = 0; place < 64; ++place) EXPECT_FALSE(board.get(place).ref.pin());
  EXPECT_EQ(s.registry.live(), 0U);
  EXPECT_EQ(s.pages_in_use(), 0U);
}

}  // namespace
}  // namespace mayfly
