#include "support.hpp"
#include <mayfly/detail/index_chain.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <vector>

namespace mayfly::detail {
namespace {

TEST(IndexChain, IsEmptyWithoutItemsWhateverItsHead) {
  EXPECT_TRUE(index_chain{}.empty());
  EXPECT_TRUE((index_chain{7, 0}.empty()));
  EXPECT_EQ((index_chain{7, 0}.word()), 0U);
  EXPECT_FALSE((index_chain{0, 1}.empty()));
}

TEST(IndexChain, KeepsHeadAndCountInOneWord) {
  index_chain const chain{0xFFFFFFFEU, 0xFFFFFFFFU};
  EXPECT_EQ(chain.head(), 0xFFFFFFFEU);
  EXPECT_EQ(chain.count(), 0xFFFFFFFFU);
  EXPECT_EQ(index_chain::from_word(chain.word()).word(), chain.word());
}

TEST(IndexChain, IsSplitIntoWhatIsTakenAndWhatStays) {
  auto const memory = std::make_unique<index_links[]>(8);
  index_links* const links = memory.get();
  auto const of_three = [&] {
    index_chain chain;
    for (std::uint32_t index : {3U, 0U, 7U}) chain = chain.with(links, index);
    return chain;
  };
  for (std::uint32_t const most : {0U, 1U, 2U, 3U, 4U}) {
    index_chain rest = of_three();
    index_chain const taken = rest.split(links, most);
    std::vector<std::uint32_t> items;
    taken.list(links, items);
    EXPECT_EQ(items.size(), std::min(most, 3U));
    EXPECT_EQ(taken.count() + rest.count(), 3U);
    rest.list(links, items);
    std::sort(items.begin(), items.end());
    EXPECT_EQ(items, (std::vector<std::uint32_t>{0, 3, 7})) << most;
  }
}

TEST(IndexChain, GivesBackTheItemPutOnLastFirst) {
  auto const memory = std::make_unique<index_links[]>(8);
  index_links* const links = memory.get();
  index_chain chain;
  for (std::uint32_t index : {3U, 0U, 7U}) chain = chain.with(links, index);
  EXPECT_EQ(chain.count(), 3U);
  for (std::uint32_t index : {7U, 0U, 3U}) {
    ASSERT_EQ(chain.head(), index);
    chain = chain.tail(links);
  }
  EXPECT_TRUE(chain.empty());
}

TEST(ChainDepot, GivesBackWholeChainsLastFirst) {
  auto const memory = std::make_unique<index_links[]>(8);
  index_links* const links = memory.get();
  chain_depot depot;
  EXPECT_TRUE(depot.pop(links).empty());
  depot.push(links, index_chain{}.with(links, 0).with(links, 1));
  depot.push(links, {});
  depot.push(links, index_chain{}.with(links, 5));
  EXPECT_EQ(depot.items(), 3U);
  EXPECT_EQ(depot.pop(links).head(), 5U);
  index_chain const chain = depot.pop(links);
  EXPECT_EQ(chain.head(), 1U);
  EXPECT_EQ(chain.count(), 2U);
  EXPECT_TRUE(depot.pop(links).empty());
  EXPECT_EQ(depot.items(), 0U);
}

/// Publication: the items' bytes are plain, written before push() and read after pop().
TEST(ChainDepot, PublishesWhatThePusherWroteAndGivesEachChainToOneThread) {
  constexpr std::uint32_t chains = 16;
  constexpr std::uint32_t items = 4 * chains;
  auto const memory = std::make_unique<index_links[]>(items);
  index_links* const links = memory.get();
  std::array<std::uint64_t, items> bytes{};  // plain
  chain_depot depot;
  for (std::uint32_t first = 0; first < items; first += 4) {
    index_chain chain;
    for (std::uint32_t i = 0; i < 4; ++i) chain = chain.with(links, first + i);
    depot.push(links, chain);
  }
  std::atomic<std::uint64_t> pops{0};
  test::run_threads(4, [&](std::size_t) {
    for (int round = 0; round < 10'000; ++round) {
      index_chain const chain = depot.pop(links);
      if (chain.empty()) continue;
      pops.fetch_add(chain.count(), std::memory_order_relaxed);
      for (index_chain rest = chain; !rest.empty(); rest = rest.tail(links)) ++bytes[rest.head()];
      depot.push(links, chain);
    }
  });
  std::uint64_t sum = 0;
  for (std::uint64_t const count : bytes) sum += count;
  EXPECT_EQ(sum, pops.load());
  EXPECT_EQ(depot.items(), items);
}

#ifdef MAYFLY_SCHEDULE_POINTS
struct aba {
  inline static index_links* links = nullptr;
  inline static chain_depot* depot = nullptr;
  inline static bool armed = false;

  /// Between the loads and the exchange of a pop(): takes two chains and puts the first back, so that the head index is
  /// as before but what lies below it is not.
  static void meddle(char const* step) noexcept {
    if (!armed || std::string_view{step} != "depot-pop") return;
    armed = false;
    index_chain const first = depot->pop(links);
    static_cast<void>(depot->pop(links));
    depot->push(links, first);
  }
};

TEST(ChainDepot, PopIsNotFooledByAHeadThatWentAndCameBack) {
  auto const memory = std::make_unique<index_links[]>(3);
  index_links* const links = memory.get();
  chain_depot depot;
  for (std::uint32_t index : {0U, 1U, 2U}) depot.push(links, {index, 1});
  aba::links = links;
  aba::depot = &depot;
  aba::armed = true;
  set_schedule_hook(&aba::meddle);
  index_chain const popped = depot.pop(links);
  set_schedule_hook(nullptr);
  EXPECT_FALSE(aba::armed);
  EXPECT_EQ(popped.head(), 2U);
  EXPECT_EQ(depot.pop(links).head(), 0U);  // a fooled pop() would have put 1 back, which somebody else holds
  EXPECT_TRUE(depot.pop(links).empty());
}
#endif

}  // namespace
}  // namespace mayfly::detail
