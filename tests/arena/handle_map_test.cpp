#include <mayfly/detail/handle_map.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <set>
#include <thread>
#include <vector>

namespace mayfly::detail {
namespace {

constexpr std::size_t unit = handle_unit_bytes;
constexpr std::size_t units = 1024;

/// Addresses that nobody reads.
std::byte* addresses() { return reinterpret_cast<std::byte*>(std::size_t{1} << 40U); }

std::byte* resolve(handle_bits handle) { return address_of(anchor_of(handle), handle); }

int owner = 0;
constexpr std::uint64_t tag = 77;

TEST(HandleMap, AHandleNamesItsByteUntilTheUnitIsRetired) {
  handle_map map{addresses(), units * unit};
  for (std::size_t offset : {std::size_t{0}, std::size_t{1}, unit - 1, unit, 7 * unit + 5, units * unit - 1}) {
    handle_bits const handle = map.make(offset, &owner, tag);
    ASSERT_NE(handle, 0U);
    EXPECT_EQ(resolve(handle), addresses() + offset);
    EXPECT_EQ(anchor_of(handle).owner.load(), &owner);
    EXPECT_EQ(anchor_of(handle).owner_tag.load(), tag);
    map.retire(offset / unit * unit, unit);
    EXPECT_EQ(resolve(handle), nullptr);
    EXPECT_EQ(anchor_of(handle).owner.load(), nullptr);
    handle_bits const next = map.make(offset, &owner, tag);
    EXPECT_NE(next, handle);
    EXPECT_EQ(resolve(next), addresses() + offset);
    EXPECT_EQ(resolve(handle), nullptr);
    map.retire(offset / unit * unit, unit);
  }
}

TEST(HandleMap, NothingIsNamedByNoHandle) { EXPECT_EQ(resolve(0), nullptr); }

TEST(HandleMap, AHandleLooksLikeNoUserSpaceAddress) {
  handle_map map{addresses(), units * unit};
  for (std::size_t at = 0; at < units; ++at) EXPECT_NE(map.make(at * unit, &owner, tag) & handle_flag, 0U);
  map.retire(0, units * unit);
}

TEST(HandleMap, RetiresOnlyTheUnitsThatItIsTold) {
  handle_map map{addresses(), units * unit};
  std::array<handle_bits, 4> handles{};
  for (std::size_t i = 0; i < 4; ++i) handles[i] = map.make(i * unit, &owner, tag);
  map.retire(unit, 2 * unit);
  EXPECT_EQ(resolve(handles[0]), addresses());
  EXPECT_EQ(resolve(handles[1]), nullptr);
  EXPECT_EQ(resolve(handles[2]), nullptr);
  EXPECT_EQ(resolve(handles[3]), addresses() + 3 * unit);
  map.retire(0, 4 * unit);
}

TEST(HandleMap, AUnitWithoutHandlesKeepsItsGeneration) {
  handle_map map{addresses(), units * unit};
  handle_bits const handle = map.make(0, &owner, tag);
  map.retire(0, 2 * unit);
  handle_bits const next = map.make(0, &owner, tag);
  map.retire(unit, unit);
  EXPECT_EQ(next - handle, unit) << "one generation on";
  EXPECT_EQ(resolve(next), addresses());
  map.retire(0, unit);
  map.retire(0, unit);
  EXPECT_EQ(map.make(0, &owner, tag) - next, unit) << "nobody had made a handle in between";
  map.retire(0, unit);
}

TEST(HandleMap, AUnitWhoseGenerationsAreUsedUpGetsAnotherAnchorAndNoHandleComesAgain) {
  std::set<handle_anchor*> used_up;
  for (int pool = 0; pool < 3; ++pool) {  // also where the group goes through other hands
    handle_map map{addresses(), units * unit};
    for (std::size_t at = 0; at < 3; ++at) {
      handle_anchor& anchor = anchor_of(map.make(at * unit, &owner, tag));
      EXPECT_FALSE(used_up.contains(&anchor));
      used_up.insert(&anchor);
      anchor.first.fetch_or(largest_handle_generation << handle_offset_bits);  // as if it had been used 2^23 - 1 times
      handle_bits const last = map.make(at * unit + 3, &owner, tag);
      EXPECT_EQ(resolve(last), addresses() + at * unit + 3);
      map.retire(at * unit, unit);
      EXPECT_EQ(resolve(last), nullptr);
      handle_bits const next = map.make(at * unit + 3, &owner, tag);
      EXPECT_NE(&anchor_of(next), &anchor);
      EXPECT_EQ(resolve(next), addresses() + at * unit + 3);
      EXPECT_EQ(resolve(last), nullptr);
      map.retire(at * unit, unit);
    }
  }
}

TEST(HandleMap, AnchorsOfAnEndedMapAreUsedAgainAndItsHandlesStayGone) {
  std::vector<handle_bits> stale;
  std::set<handle_bits> all;
  for (int round = 0; round < 20; ++round) {
    handle_map map{addresses(), units * unit};
    for (std::size_t at = 0; at < 200; ++at) {
      handle_bits const handle = map.make(at * unit, &owner, tag);
      ASSERT_TRUE(all.insert(handle).second);
      stale.push_back(handle);
    }
    map.retire(0, units * unit);
    for (handle_bits const handle : stale) ASSERT_EQ(resolve(handle), nullptr);
  }
  std::set<handle_anchor*> anchors;
  for (handle_bits const handle : all) anchors.insert(&anchor_of(handle));
  EXPECT_LE(anchors.size(), 400U) << "20 maps share the anchors of one, but for what other tests have left";
}

TEST(HandleMap, ThreadsThatMakeTheFirstHandlesOfTheSameUnitsAgree) {
  handle_map map{addresses(), units * unit};
  std::array<std::vector<handle_bits>, 4> made;
  {
    std::vector<std::jthread> threads;
    for (auto& mine : made) {
      threads.emplace_back([&map, &mine] {
        for (std::size_t at = 0; at < units; ++at) mine.push_back(map.make(at * unit, &owner, tag));
      });
    }
  }
  for (auto const& theirs : made) EXPECT_EQ(theirs, made[0]);
  EXPECT_EQ(std::set<handle_bits>(made[0].begin(), made[0].end()).size(), units);
  map.retire(0, units * unit);
}

}  // namespace
}  // namespace mayfly::detail
