#include "support.hpp"
#include <mayfly/scope_registry.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace mayfly {
namespace {

using test::close_all;
using test::elsewhere;
using test::inside;
using test::open_all;
using test::refused;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// ---- what it is made of

TEST(ScopeRegistry, RefusesNonsenseByTheOptionsName) {
  page_pool pool{{.reserve_bytes = std::size_t{64} << 20U}};
  auto const made = [&pool](scope_registry_options const& options) {
    return [&pool, options] { scope_registry const registry{pool, options}; };
  };
  using nonsense = std::invalid_argument;
  EXPECT_THAT(made({.capacity = 0}), ThrowsMessage<nonsense>(HasSubstr("scope_registry_options.capacity is 0:")));
  EXPECT_THAT(made({.capacity = (1U << 22U) + 1}), ThrowsMessage<nonsense>(HasSubstr("capacity is 4194305:")));
  EXPECT_THAT(made({.first_generation = 0}), ThrowsMessage<nonsense>(HasSubstr("first_generation is 0:")));
  EXPECT_THAT(made({.first_generation = scope_id::largest_generation + 1}),
              ThrowsMessage<nonsense>(HasSubstr("first_generation is 1099511627776:")));
  EXPECT_NO_THROW(made({.capacity = 1U << 22U})());
  EXPECT_NO_THROW(made({.capacity = 1})());
}

// ---- open, find, close

TEST(ScopeRegistry, FindShowsWhatTheScopeWasOpenedWith) {
  test::scopes s;
  auto const before = scope_clock::now();
  scope* const opened = s.registry.open({.route = "orders",
                                         .deadline = before + std::chrono::seconds{5},
                                         .byte_budget = 1 << 20,
                                         .phase = scope_phase::queued});
  ASSERT_NE(opened, nullptr);
  auto const info = s.registry.find(opened->id());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->id, opened->id());
  EXPECT_EQ(info->route, "orders");
  EXPECT_EQ(info->phase, scope_phase::queued);
  EXPECT_EQ(info->deadline, before + std::chrono::seconds{5});
  EXPECT_GE(info->opened, before);
  EXPECT_EQ(info->opener_thread, gettid());
  EXPECT_EQ(opened->opener_thread(), gettid());
  EXPECT_LE(info->opened, scope_clock::now());
  EXPECT_EQ(info->reserved_bytes, 0U);
  EXPECT_FALSE(info->stop_requested);
  opened->close();
}

TEST(ScopeRegistry, FindShowsHowTheScopeHasMovedOn) {
  test::scopes s;
  scope& opened = s.open();
  inside(opened, [&] { static_cast<void>(opened.arena().allocate(1)); });
  opened.set_phase(scope_phase::completing);
  ASSERT_TRUE(s.registry.request_cancel(opened.id()));
  elsewhere([&] {
    auto const info = s.registry.find(opened.id());
    ASSERT_TRUE(info);
    EXPECT_EQ(info->phase, scope_phase::completing);
    EXPECT_EQ(info->reserved_bytes, s.pool.class_bytes(0));
    EXPECT_TRUE(info->stop_requested);
  });
  opened.close();
}

TEST(ScopeRegistry, TakesTheTimeOfOpeningFromACallerThatHasIt) {
  test::scopes s;
  scope_clock::time_point const known{std::chrono::seconds{77}};
  scope* const opened = s.registry.open({.opened = known});
  ASSERT_NE(opened, nullptr);
  EXPECT_EQ(opened->opened(), known);
  EXPECT_EQ(opened->deadline(), scope_clock::time_point::max());
  opened->close();
}

TEST(ScopeRegistry, CloseByIdEndsTheScopeOnce) {
  test::scopes s;
  scope_id const id = s.open().id();
  EXPECT_TRUE(s.registry.close(id));
  EXPECT_FALSE(s.registry.close(id));
  EXPECT_TRUE(refused(s.registry, id));
}

TEST(ScopeRegistry, StaleIdIsRefusedAfterItsSlotIsReused) {
  test::scopes s{1};
  std::vector<scope_id> stale;
  for (int round = 0; round < 100; ++round) {
    scope& tenant = s.open();
    for (scope_id const id : stale) EXPECT_TRUE(refused(s.registry, id));
    EXPECT_TRUE(s.registry.find(tenant.id())) << "refusing the stale ids left the tenant alone";
    EXPECT_FALSE(tenant.stop_requested());
    stale.push_back(tenant.id());
    tenant.close();
  }
}

TEST(ScopeRegistry, IdsThatItNeverGaveOutAreRefused) {
  test::scopes s{4};
  scope& opened = s.open();
  EXPECT_TRUE(refused(s.registry, scope_id{}));
  EXPECT_TRUE(refused(s.registry, scope_id::from_bits(~std::uint64_t{0})));
  EXPECT_TRUE(refused(s.registry, scope_id{opened.id().slot() + 1, 1})) << "a slot that was never used";
  EXPECT_TRUE(refused(s.registry, scope_id{opened.id().slot() + 4, 1})) << "a slot behind the last";
  EXPECT_TRUE(refused(s.registry, scope_id{opened.id().slot(), opened.id().generation() + 1})) << "a future tenant";
  opened.close();
}

TEST(ScopeRegistry, AnIdOfAnotherRegistryIsRefused) {
  test::scopes a;
  test::scopes b;
  scope& of_a = a.open();
  scope& of_b = b.open();
  EXPECT_TRUE(refused(b.registry, of_a.id()));
  EXPECT_TRUE(refused(a.registry, of_b.id()));
  EXPECT_TRUE(a.registry.find(of_a.id()));
  of_a.close();
  of_b.close();
}

TEST(ScopeRegistry, IdsAreDistinctForTheLifeOfTheProcessAlsoAcrossRegistriesMadeAgain) {
  std::set<scope_id> seen;
  page_pool pool{{.reserve_bytes = std::size_t{64} << 20U}};
  for (std::uint32_t round = 0; round < 50; ++round) {
    scope_registry first{pool, {.capacity = 1 + round % 5}};
    scope_registry second{pool, {.capacity = 1 + round % 3}};
    for (int times = 0; times < 3; ++times) {
      for (auto* registry : {&first, &second}) {
        auto const opened = open_all(*registry);
        for (scope* const each : opened) EXPECT_TRUE(seen.insert(each->id()).second) << each->id();
        close_all(opened);
      }
    }
  }
  EXPECT_EQ(seen.size(), 50U * 3 * 3 + 50U * 3 * 2 - 3);
}

TEST(ScopeRegistry, SlotIndexIsBelowTheCapacityAndNoTwoLiveScopesShareIt) {
  test::scopes s{8};
  auto const opened = open_all(s.registry);
  std::set<std::uint32_t> indices;
  for (scope* const each : opened) indices.insert(each->slot_index());
  EXPECT_THAT(indices, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  close_all(opened);
}

// ---- pins and cancellation

TEST(ScopeRegistry, APinKeepsTheMemoryOfAnEndedScopeButNotItsId) {
  test::scopes s;
  scope& opened = s.open();
  auto const* const number = inside(opened, [&] { return opened.make<int>(42); });
  scope_pin pin = s.registry.pin(opened.id());
  ASSERT_TRUE(pin);
  EXPECT_EQ(&pin.get(), &opened);
  opened.close();
  EXPECT_TRUE(refused(s.registry, pin.get().id()));
  EXPECT_EQ(pin.get().phase(), scope_phase::closing);
  EXPECT_EQ(*number, 42);
  EXPECT_EQ(s.pages_in_use(), 1U);
  elsewhere([dropped = std::move(pin)] {});
  EXPECT_EQ(s.pages_in_use(), 0U);
}

TEST(ScopeRegistry, TheLastUnpinOfAnEndedScopeTearsItDownOnItsThreadExactlyOnce) {
  test::scopes s;
  int ended = 0;
  std::thread::id ended_on;
  scope& opened = s.open();
  inside(opened, [&] {
    opened.make<test::farewell>([&] {
      ++ended;
      ended_on = std::this_thread::get_id();
    });
  });
  scope_pin first = s.registry.pin(opened.id());
  scope_pin second = s.registry.pin(opened.id());
  opened.close();
  first = {};
  EXPECT_EQ(ended, 0);
  std::thread::id last;
  elsewhere([&] {
    last = std::this_thread::get_id();
    second = {};
  });
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(ended_on, last);
}

TEST(ScopeRegistry, APinThatIsAssignedToDropsWhatItHadAtOnce) {
  test::scopes s;
  scope& a = s.open();
  scope& b = s.open();
  inside(a, [&] { static_cast<void>(a.arena().allocate(1)); });
  scope_pin pin_a = s.registry.pin(a.id());
  scope_pin pin_b = s.registry.pin(b.id());
  a.close();
  pin_a = std::move(pin_b);
  EXPECT_EQ(s.pages_in_use(), 0U);
  EXPECT_EQ(&pin_a.get(), &b);
  pin_a = {};
  b.close();
}

TEST(ScopeRegistry, PinsOfALivingScopeComeAndGoWithoutEndingIt) {
  test::scopes s;
  scope& opened = s.open();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(s.registry.pin(opened.id()));
  EXPECT_TRUE(s.registry.find(opened.id()));
  opened.close();
}

TEST(ScopeRegistry, RefusesThePinAfterTheLastThatItCanCount) {
  constexpr std::size_t most = (std::size_t{1} << 21U) - 1;
  test::scopes s;
  scope& opened = s.open();
  std::vector<scope_pin> pins(most);
  for (auto& pin : pins) pin = s.registry.pin(opened.id());
  EXPECT_TRUE(pins.back());
  EXPECT_FALSE(s.registry.pin(opened.id()));
  EXPECT_FALSE(opened.stop_requested()) << "the count does not run into the flags";
  pins.pop_back();
  EXPECT_TRUE(s.registry.pin(opened.id()));
  opened.close();
}

TEST(ScopeRegistry, RequestCancelTellsALiveScopeAlsoTwice) {
  test::scopes s;
  scope& opened = s.open();
  elsewhere([&] { EXPECT_TRUE(s.registry.request_cancel(opened.id())); });
  EXPECT_TRUE(s.registry.request_cancel(opened.id()));
  EXPECT_TRUE(opened.stop_requested());
  scope_id const id = opened.id();
  opened.close();
  EXPECT_FALSE(s.registry.request_cancel(id));
}

// ---- listing

TEST(ScopeRegistry, ForEachLiveShowsEveryOpenScopeInSlotOrderAndNoOther) {
  test::scopes s{8};
  auto const opened = open_all(s.registry);
  opened[1]->close();
  opened[6]->close();
  scope_pin const pinned = s.registry.pin(opened[3]->id());
  opened[3]->close();
  std::vector<std::uint32_t> seen;
  s.registry.for_each_live([&](scope_info const& info) { seen.push_back(info.id.slot() - opened[0]->id().slot()); });
  EXPECT_THAT(seen, ElementsAre(0, 2, 4, 5, 7));
  EXPECT_EQ(s.registry.live(), 5U);
  for (std::size_t const i : {0U, 2U, 4U, 5U, 7U}) opened[i]->close();
  EXPECT_EQ(s.registry.live(), 0U);
}

}  // namespace
}  // namespace mayfly
