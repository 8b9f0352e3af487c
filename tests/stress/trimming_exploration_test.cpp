// What is done to pages beside requests (arena/): limits that move while threads charge them, and an epoch's end that
// takes idle threads' magazines and gives back what nobody needed. Every interleaving, every value that the orders
// allow.

#include "exploration.hpp"
#include <mayfly/detail/index_chain.hpp>
#include <mayfly/detail/page_charge.hpp>
#include <mayfly/detail/thread_cache.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace {

using namespace mayfly::explorer;  // NOLINT(google-build-using-namespace): a test of it
using mayfly::basic_byte_budget;
using mayfly::detail::basic_chain_depot;
using mayfly::detail::basic_index_links;
using mayfly::detail::basic_page_charge;
using mayfly::detail::basic_thread_cache;
using mayfly::detail::index_chain;

// ---- budgets

using explored_charge = basic_page_charge<explored_atomics>;

/// Holds a page for a moment; whether it was given one.
bool hold_one(explored_charge& of, std::size_t most_ever) {
  if (!of.try_charge(1)) return false;
  require(of.held() <= most_ever, "never above a limit that was in force");
  of.refund(1);
  return true;
}

/// At rest: what fits is given, one more is refused, and a refusal leaves nothing charged.
void check_room(explored_charge& of, std::size_t held, std::size_t room) {
  require(of.held() == held, "every refund arrives");
  for (std::size_t i = 0; i < room; ++i) require(of.try_charge(1), "nothing is refused while there is room");
  require(!of.try_charge(1), "nothing is given above the limit");
  require(of.held() == held + room, "a refusal leaves nothing charged");
}

struct moved_limit_state {
  explored_charge pool{2};
};

TEST(BudgetExploration, ALimitThatMovesIsKeptByEveryChargeAndLosesNoRefund) {
  auto const found = explore_state<moved_limit_state>(
      "page budget: two chargers that refund, and a limit that is lowered and raised; no charge is above a limit in "
      "force, every refund arrives, nothing is refused at rest while there is room",
      within({2, 1}, {4, 2}), [](execution& run, moved_limit_state& state) {
        run.thread([&] {
          hold_one(state.pool, 2);
          hold_one(state.pool, 2);
        });
        run.thread([&] { hold_one(state.pool, 2); });
        run.thread([&] {
          state.pool.set_limit(1);
          if (state.pool.try_charge(1)) state.pool.refund(1);
          require(state.pool.limit() == 1, "who moved it goes by the new limit");
          state.pool.set_limit(2);
        });
        run.finally([&] {
          require(state.pool.peak() <= 2, "the peak is one that was there");
          check_room(state.pool, 0, 2);
        });
      });
  expect_exhausted(found);
}

TEST(BudgetExploration, UnderALoweredLimitNothingMoreIsGiven) {
  auto const found = explore_state<moved_limit_state>(
      "page budget: a limit lowered below what is held, against a refund and a charge by who lowered it; it is given "
      "only what fits below the new limit",
      within({4, 2}, {12, 6}), [](execution& run, moved_limit_state& state) {
        require(state.pool.try_charge(2), "there is room");
        run.thread([&] { state.pool.refund(1); });
        run.thread([&] { state.pool.refund(1); });
        run.thread([&] {
          state.pool.set_limit(1);
          // Both other pages are gone, or there would have been no room below one.
          if (state.pool.try_charge(1)) {
            require(state.pool.held() == 1, "nothing is given above the new limit");
            state.pool.refund(1);
          }
        });
        run.finally([&] { check_room(state.pool, 0, 1); });
      });
  expect_exhausted(found);
}

struct share_state {
  basic_byte_budget<explored_atomics> common{2};
  explored_charge bounded{1, &common};
  explored_charge certain{2, &common};
};

TEST(BudgetExploration, WhatTheOtherPoolMayNotTakeIsThereForCertain) {
  auto const found = explore_state<share_state>(
      "common budget: a pool that may hold half of it refunds and charges on two threads; the other half is there for "
      "the other pool, at any moment",
      within({4, 2}, {8, 4}), [](execution& run, share_state& state) {
        require(state.bounded.try_charge(1), "there is room");
        run.thread([&] { state.bounded.refund(1); });
        run.thread([&] {
          if (state.bounded.try_charge(1)) state.bounded.refund(1);
        });
        run.thread([&] { require(state.certain.try_charge(1), "its share is there for certain"); });
        run.finally([&] { require(state.common.used() == 1, "every refund arrives at the common limit too"); });
      });
  expect_exhausted(found);
}

struct common_limit_state {
  basic_byte_budget<explored_atomics> common{2};
  explored_charge left{2, &common};
  explored_charge right{2, &common};
};

TEST(BudgetExploration, WhatACommonLimitRefusesIsGivenBackToThePoolsOwn) {
  auto const found = explore_state<common_limit_state>(
      "common budget: two pools charge and refund under a limit in common that is lowered and raised; it is never "
      "passed, "
      "and both pools' and the common books add up",
      within({2, 1}, {3, 2}), [](execution& run, common_limit_state& state) {
        require(state.left.try_charge(1), "there is room");
        run.thread([&] {
          hold_one(state.left, 2);
          state.left.refund(1);
        });
        run.thread([&] {
          hold_one(state.right, 2);
          hold_one(state.right, 2);
        });
        run.thread([&] {
          state.common.set_limit(1);
          require(state.common.used() <= 2, "never above a limit that was in force");
          state.common.set_limit(2);
        });
        run.finally([&] {
          require(state.left.held() == 0, "every refund arrives");
          require(state.common.used() == 0, "every refund arrives at the common limit too");
          check_room(state.right, 0, 2);
          require(!state.left.try_charge(1), "the other pool has it all");
          require(state.left.held() == 0, "what the common limit refuses is given back");
        });
      });
  expect_exhausted(found);
}

// ---- epochs

constexpr std::uint32_t pages = 4;
constexpr std::uint32_t no_item = basic_thread_cache<explored_atomics>::no_item;

/// One class of a page pool: a thread's cache, the depot, and what is the system's.
struct pool_state {
  std::array<basic_index_links<explored_atomics>, pages> links;
  std::array<var<int>, pages> bytes;
  basic_thread_cache<explored_atomics> sleeper;
  basic_chain_depot<explored_atomics> depot;
  basic_chain_depot<explored_atomics> returned;
  std::array<int, pages> owners{};  // counted at the end
  std::uint32_t gone = 0;           // as the epochs' ends say

  /// Whoever has a page writes it, as its only owner.
  void write(std::uint32_t page) { bytes[page] = bytes[page] + 1; }

  /// As recycler::give() and take_index(), with magazines of one.
  void give(std::uint32_t page) {
    write(page);
    if (sleeper.try_give_front(0, page)) return;
    depot.push(links.data(), sleeper.give_loaded(links.data(), 0, page, 1));
  }
  std::uint32_t take() {
    std::uint32_t item = sleeper.claim_front(0);
    item = item != 0 ? item - 1 : sleeper.take_loaded(links.data(), 0);
    if (item == no_item) {
      index_chain const chain = depot.pop(links.data());
      if (!chain.empty()) item = sleeper.refill(links.data(), 0, chain);
    }
    if (item != no_item) write(item);
    return item;
  }

  /// The steps of page_pool::take_from_idle_threads(): the sleeper has been seen to do nothing, and wakes up now.
  std::uint32_t take_from_sleeper() {
    std::uint32_t moved = 0;
    for (auto chain = sleeper.drain(links.data(), 0); !chain.empty(); chain = sleeper.drain(links.data(), 0)) {
      moved += chain.count();
      depot.push(links.data(), chain);
    }
    return moved;
  }
  /// The steps of page_pool::return_whole_spans_first(), but for the sorting of what it has in hand.
  void return_surplus(std::uint32_t surplus) {
    index_chain staying = depot.take_bottom(links.data(), surplus);
    index_chain const going = staying.split(links.data(), surplus);
    depot.push(links.data(), staying);
    for (auto chain = going; !chain.empty(); chain = chain.tail(links.data())) bytes[chain.head()] = 0;  // the system's
    returned.push(links.data(), going);
    gone += going.count();
  }
  /// As page_pool::take_returned().
  void take_returned() {
    index_chain const chain = returned.pop(links.data());
    if (chain.empty()) return;
    returned.push(links.data(), chain.tail(links.data()));
    write(chain.head());
    depot.push(links.data(), index_chain{}.with(links.data(), chain.head()));
    took_back = 1;
  }

  void own(index_chain chain) {
    for (; !chain.empty(); chain = chain.tail(links.data())) ++owners[chain.head()];
  }
  void check() {
    std::uint32_t left = 0;
    for (auto chain = returned.pop(links.data()); !chain.empty(); chain = returned.pop(links.data())) {
      left += chain.count();
      own(chain);
    }
    require(left + took_back == gone, "what is counted as gone went, once");
    for (auto chain = sleeper.drain(links.data(), 0); !chain.empty(); chain = sleeper.drain(links.data(), 0))
      own(chain);
    for (auto chain = depot.pop(links.data()); !chain.empty(); chain = depot.pop(links.data())) own(chain);
    for (int const count : owners) require(count == 1, "every page has exactly one owner");
    require(depot.items() == 0 && returned.items() == 0, "depots count what they hold");
  }

  std::uint32_t took_back = 0;
};

TEST(EpochExploration, AThreadWhoseMagazinesAreTakenWakesUpAndEachPageHasOneOwner) {
  auto const found = explore_state<pool_state>(
      "epochs: the end of one drains a thread that just wakes up, splits a magazine and gives the surplus back, while "
      "another thread wants returned pages; each page has one owner, surplus is counted once",
      within({2, 1}, {3, 1}), [](execution& run, pool_state& state) {
        for (std::uint32_t page = 0; page < pages; ++page) state.give(page);
        run.thread([&] {
          std::uint32_t const first = state.take();
          std::uint32_t const second = state.take();
          if (first != no_item) state.give(first);
          if (second != no_item) state.give(second);
        });
        run.thread([&] {
          std::uint32_t const moved = state.take_from_sleeper();
          state.return_surplus(moved);
        });
        run.thread([&] { state.take_returned(); });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

TEST(EpochExploration, AMagazineOfWhichOnlyAPartIsSurplusIsSplitWhileOthersPop) {
  auto const found = explore_state<pool_state>(
      "epochs: surplus is split off a magazine while a thread pops, a second steals, and one wants a returned page; "
      "each "
      "page has one owner, surplus is counted once",
      within({2, 1}, {2, 2}), [](execution& run, pool_state& state) {
        index_chain magazine;
        for (std::uint32_t page = 0; page < 3; ++page) magazine = magazine.with(state.links.data(), page);
        state.depot.push(state.links.data(), magazine);
        state.give(3);
        run.thread([&] { state.return_surplus(2); });
        run.thread([&] {
          std::uint32_t const mine = state.take();
          if (mine != no_item) state.give(mine);
        });
        run.thread([&] { state.take_from_sleeper(); });
        run.thread([&] { state.take_returned(); });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

}  // namespace
