// One test for each synchronisation edge of scopes/README.md: plain data is written before the release and read after
// the acquire, and nothing else orders the two threads (they meet on relaxed flags), so ThreadSanitizer judges the edge
// itself. sync scope-fields publishes no plain data: interleavings_test and hammer_test judge it.

#include "support.hpp"
#include <mayfly/scope.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

using test::inside;

/// Orders nothing.
class relaxed_flag {
 public:
  void raise(std::uint64_t value = 1) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t wait() const {
    while (true) {
      if (std::uint64_t const value = value_.load(std::memory_order_relaxed); value != 0) return value;
      std::this_thread::yield();
    }
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Lies in a scope; its destructor notes what `plain` held then.
struct reader_at_the_end {
  int const& plain;
  int& read;
  ~reader_at_the_end() { read = plain; }
};

struct publication : ::testing::Test {
  test::scopes s{1};
  int plain = 0;
  int read = 0;
  relaxed_flag go;
  relaxed_flag done;

  scope& open_with_reader() {
    scope& opened = s.open();
    inside(opened, [&] { opened.make<reader_at_the_end>(plain, read); });
    return opened;
  }
};

using ScopeOpenEdge = publication;
using ScopeHoldEdge = publication;
using ScopePinEdge = publication;
using LaneEdge = publication;
using SlotLimitEdge = publication;
using SlotHandOver = publication;

TEST_F(ScopeOpenEdge, WhatTheOpenerWroteBeforeIsSeenByWhoeverPins) {
  std::thread pinner{[&] {
    scope_id const id = scope_id::from_bits(go.wait());
    scope_pin const pin = s.registry.pin(id);
    ASSERT_TRUE(pin);
    EXPECT_EQ(plain, 42);
    EXPECT_EQ(pin.get().id(), id);
  }};
  plain = 42;
  scope& opened = s.open();
  go.raise(opened.id().bits());
  pinner.join();
  opened.close();
}

TEST_F(ScopeOpenEdge, WhatTheOpenerWroteBeforeIsSeenByWhoeverFinds) {
  std::thread finder{[&] {
    ASSERT_TRUE(s.registry.find(scope_id::from_bits(go.wait())));
    EXPECT_EQ(plain, 42);
  }};
  plain = 42;
  scope& opened = s.open();
  go.raise(opened.id().bits());
  finder.join();
  opened.close();
}

TEST_F(ScopeOpenEdge, WhatTheOpenerWroteBeforeIsSeenByWhoeverCloses) {
  std::thread closer{[&] {
    ASSERT_TRUE(s.registry.close(scope_id::from_bits(go.wait())));
    EXPECT_EQ(plain, 42);
  }};
  plain = 42;
  go.raise(s.open().id().bits());
  closer.join();
}

TEST_F(ScopeHoldEdge, WhatAHolderWroteIsSeenByTheCloserWhoEndsTheScope) {
  scope& opened = open_with_reader();
  std::thread holder{[&, hold = inside(opened, [&] { return opened.hold(); })]() mutable {
    plain = 42;
    hold.release();
    done.raise();
  }};
  done.wait();
  opened.close();
  EXPECT_EQ(read, 42);
  holder.join();
}

TEST_F(ScopeHoldEdge, WhatTheCloserWroteIsSeenByTheLastHolderWhoEndsTheScope) {
  scope& opened = open_with_reader();
  std::thread holder{[&, hold = inside(opened, [&] { return opened.hold(); })]() mutable {
    go.wait();
    hold.release();
    EXPECT_EQ(read, 42);
  }};
  plain = 42;
  opened.close();
  go.raise();
  holder.join();
}

TEST_F(ScopeHoldEdge, WhatOneHolderWroteIsSeenByAnotherWhoEndsTheScope) {
  scope& opened = open_with_reader();
  scope_hold first = inside(opened, [&] { return opened.hold(); });
  scope_hold second = first->hold();
  opened.close();
  std::thread writer{[&, hold = std::move(first)]() mutable {
    plain = 42;
    hold.release();
    done.raise();
  }};
  std::thread last{[&, hold = std::move(second)]() mutable {
    done.wait();
    hold.release();
    EXPECT_EQ(read, 42);
  }};
  writer.join();
  last.join();
}

TEST_F(ScopePinEdge, WhatAPinnerWroteIsSeenByTheCloserWhoEndsTheScope) {
  scope& opened = open_with_reader();
  std::thread pinner{[&] {
    {
      scope_pin const pin = s.registry.pin(opened.id());
      plain = 42;
    }
    done.raise();
  }};
  done.wait();
  opened.close();
  EXPECT_EQ(read, 42);
  pinner.join();
}

TEST_F(ScopePinEdge, WhatTheCloserWroteIsSeenByTheLastPinnerWhoEndsTheScope) {
  scope& opened = open_with_reader();
  std::thread pinner{[&] {
    scope_pin pin = s.registry.pin(opened.id());
    done.raise();
    go.wait();
    pin = {};
    EXPECT_EQ(read, 42);
  }};
  done.wait();
  plain = 42;
  opened.close();
  go.raise();
  pinner.join();
}

TEST_F(ScopePinEdge, WhatTheLastHolderWroteIsSeenByTheLastPinnerWhoEndsTheScope) {
  scope& opened = open_with_reader();
  scope_hold hold = inside(opened, [&] { return opened.hold(); });
  std::thread pinner{[&] {
    scope_pin pin = s.registry.pin(opened.id());
    done.raise();
    go.wait();
    pin = {};
    EXPECT_EQ(read, 42);
  }};
  done.wait();
  opened.close();
  plain = 42;
  hold.release();
  go.raise();
  pinner.join();
}

TEST_F(LaneEdge, WhatAThreadWroteBeforeItMadeItsLaneIsSeenByWhoeverSeesTheLane) {
  scope& opened = s.open();
  std::thread maker{[&] {
    plain = 42;
    inside(opened, [&] { static_cast<void>(opened.arena()); });
  }};
  while (opened.lane_count() == 0) std::this_thread::yield();
  EXPECT_EQ(plain, 42);
  inside(opened, [&] { static_cast<void>(opened.arena().allocate(8)); });
  maker.join();
  opened.close();
}

TEST_F(LaneEdge, ThreadsThatMakeLanesTogetherReadEachOthersLinks) {
  scope& opened = s.open();
  auto const make = [&] {
    go.wait();
    for (int i = 0; i < 100; ++i) inside(opened, [&] { static_cast<void>(opened.arena().allocate(8)); });
  };
  std::thread first{make};
  std::thread second{make};
  go.raise();
  first.join();
  second.join();
  EXPECT_EQ(opened.lane_count(), 2U);
  opened.close();
}

TEST(SlotLimit, ASlotIsConstructedBeforeAnybodyLooksAtIt) {
  constexpr std::uint32_t capacity = 500;
  test::scopes s{capacity};
  relaxed_flag all_open;
  relaxed_flag go;
  std::thread opener{[&] {
    std::vector<scope*> opened;
    while (scope* const next = s.registry.open({})) opened.push_back(next);
    all_open.raise();
    go.wait();
    for (scope* const each : opened) each->close();
  }};
  std::size_t most = 0;
  while (most < capacity) {
    most = std::max(most, s.registry.live());
    scope_pin pin;
    s.registry.for_each_live([&](scope_info const& info) {
      if (!pin) pin = s.registry.pin(info.id);
    });
    if (pin) {
      EXPECT_EQ(&pin.get().registry(), &s.registry);
    }
  }
  all_open.wait();
  go.raise();
  opener.join();
  EXPECT_EQ(most, capacity);
  EXPECT_EQ(s.registry.live(), 0U);
}

TEST_F(SlotHandOver, WhatTheLastTenantsThreadWroteIsSeenByTheNextTenantsThread) {
  std::thread first{[&] {
    scope& opened = s.open();
    inside(opened, [&] { static_cast<void>(opened.arena().allocate(8)); });
    plain = 42;
    opened.close();
    done.raise();
    go.wait();  // alive, so that the slot is taken from its magazine
  }};
  done.wait();
  scope& next = s.open("next");
  EXPECT_EQ(plain, 42);
  next.close();
  go.raise();
  first.join();
}

}  // namespace
}  // namespace mayfly
