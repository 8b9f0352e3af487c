// The depot and the threads' magazines (arena/), in every interleaving and with every value that their memory orders
// allow. An item's bytes are a plain variable, so that a missing edge shows as a race.

#include "exploration.hpp"
#include <mayfly/detail/index_chain.hpp>
#include <mayfly/detail/thread_cache.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace {

using namespace mayfly::explorer;  // NOLINT(google-build-using-namespace): a test of it
using mayfly::detail::basic_chain_depot;
using mayfly::detail::basic_index_links;
using mayfly::detail::basic_thread_cache;
using mayfly::detail::index_chain;

constexpr std::uint32_t items = 4;
constexpr std::uint32_t no_item = basic_thread_cache<explored_atomics>::no_item;

struct recycled {
  std::array<basic_index_links<explored_atomics>, items> links;
  std::array<var<int>, items> bytes;
  std::array<int, items> owners{};  // counted at the end

  /// Whoever has an item uses it, as its only owner.
  void use(std::uint32_t item) { bytes[item] = bytes[item] + 1; }
  void use(index_chain chain) {
    for (; !chain.empty(); chain = chain.tail(links.data())) use(chain.head());
  }
  index_chain chain_of(std::initializer_list<std::uint32_t> of) {
    index_chain chain;
    for (auto const item : of) chain = chain.with(links.data(), item);
    return chain;
  }
  void own(index_chain chain) {
    for (; !chain.empty(); chain = chain.tail(links.data())) ++owners[chain.head()];
  }
  void require_each_once() const {
    for (int const count : owners) require(count == 1, "every item has exactly one owner");
  }
};

struct depot_state : recycled {
  basic_chain_depot<explored_atomics> depot;

  /// Takes a chain, uses it, gives it back.
  void recycle() {
    index_chain const taken = depot.pop(links.data());
    use(taken);
    depot.push(links.data(), taken);
  }
  void check() {
    for (auto chain = depot.pop(links.data()); !chain.empty(); chain = depot.pop(links.data())) own(chain);
    require_each_once();
    require(depot.items() == 0, "the depot counts what it holds");
  }
};

TEST(DepotExploration, ChainsThatThreadsPopAndPushBackAreNeitherLostNorDoubledNorTorn) {
  auto const found = explore_state<depot_state>(
      "depot: three threads pop and push whole chains; each item has one owner, and its bytes travel with it",
      within({2, 1}, {3, 1}), [](execution& run, depot_state& state) {
        state.depot.push(state.links.data(), state.chain_of({0, 1}));
        state.depot.push(state.links.data(), state.chain_of({2}));
        state.depot.push(state.links.data(), state.chain_of({3}));
        run.thread([&] {
          state.recycle();
          state.recycle();
        });
        run.thread([&] { state.recycle(); });
        run.thread([&] {
          index_chain const first = state.depot.pop(state.links.data());
          index_chain const second = state.depot.pop(state.links.data());
          state.depot.push(state.links.data(), first);
          state.depot.push(state.links.data(), second);
        });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

TEST(DepotExploration, APopThatStallsIsNotFooledByTheSameChainOnTopAgain) {
  auto const found = explore_state<depot_state>(
      "depot: a pop against three pops and a push by others, after which the same chain is on top (ABA)",
      within({3, 1}, {6, 2}), [](execution& run, depot_state& state) {
        for (std::uint32_t item = 0; item < items; ++item) state.depot.push(state.links.data(), state.chain_of({item}));
        run.thread([&] { state.recycle(); });
        run.thread([&] {
          index_chain const first = state.depot.pop(state.links.data());
          index_chain const second = state.depot.pop(state.links.data());
          index_chain const third = state.depot.pop(state.links.data());
          state.depot.push(state.links.data(), first);
          state.use(second);
          state.use(third);
          state.depot.push(state.links.data(), second);
          state.depot.push(state.links.data(), third);
        });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

struct cache_state : recycled {
  basic_thread_cache<explored_atomics> cache;
  basic_chain_depot<explored_atomics> depot;

  /// As recycler::give() and take() do.
  void give(std::uint32_t item) {
    use(item);
    if (cache.try_give_front(0, item)) return;
    depot.push(links.data(), cache.give_loaded(links.data(), 0, item, 1));
  }
  std::uint32_t take() {
    std::uint32_t item = cache.claim_front(0);
    item = item != 0 ? item - 1 : cache.take_loaded(links.data(), 0);
    if (item == no_item) {
      index_chain const chain = depot.pop(links.data());
      if (!chain.empty()) item = cache.refill(links.data(), 0, chain);
    }
    if (item != no_item) use(item);
    return item;
  }
  /// Anybody, at any time: as recycler::steal() with its push.
  void steal() {
    index_chain const stolen = cache.drain(links.data(), 0);
    use(stolen);
    depot.push(links.data(), stolen);
  }
  void check() {
    for (auto chain = cache.drain(links.data(), 0); !chain.empty(); chain = cache.drain(links.data(), 0)) own(chain);
    for (auto chain = depot.pop(links.data()); !chain.empty(); chain = depot.pop(links.data())) own(chain);
    require_each_once();
  }
};

TEST(MagazineExploration, WhatAThreadGivesAndTakesWhileOthersStealIsNeitherLostNorDoubledNorTorn) {
  auto const found = explore_state<cache_state>(
      "magazines: the owner gives and takes, two others drain; each item has one owner, and its bytes travel with it",
      within({2, 1}, {4, 1}), [](execution& run, cache_state& state) {
        run.thread([&] {
          for (std::uint32_t item = 0; item < items; ++item) state.give(item);
          std::uint32_t const first = state.take();
          std::uint32_t const second = state.take();
          if (first != no_item) state.give(first);
          if (second != no_item) state.give(second);
        });
        run.thread([&] { state.steal(); });
        run.thread([&] { state.steal(); });
        run.finally([&] { state.check(); });
      });
  expect_exhausted(found);
}

}  // namespace
