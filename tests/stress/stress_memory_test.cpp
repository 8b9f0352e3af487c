// What is looked for in memory, ids and pages, planted.
#include <mayfly/scope_registry.hpp>
#include <mayfly/stress/ended_ids.hpp>
#include <mayfly/stress/kept_answer.hpp>
#include <mayfly/stress/stress_run.hpp>
#include <mayfly/stress/written_memory.hpp>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

namespace {

using mayfly::scope;
using mayfly::scope_registry;
using mayfly::stress::check_account;
using mayfly::stress::check_conserved;
using mayfly::stress::check_ended;
using mayfly::stress::ended_ids;
using mayfly::stress::run_surroundings;
using mayfly::stress::violation_log;
using mayfly::stress::written_memory;
using testing::HasSubstr;

/// An open scope with something written in it.
class WrittenMemory : public testing::Test {
 protected:
  WrittenMemory() {
    for (std::size_t const bytes : {1U, 7U, 8U, 9U, 1000U, 70'000U, 300'000U}) last_ = memory_.write(lane_, bytes);
  }
  ~WrittenMemory() override { opened_->close(); }

  std::string seen() {
    memory_.check(pages_, opened_->id(), 7, violations_);
    return violations_.count() == 0 ? "" : violations_.first().front().expected;
  }

  mayfly::page_pool pages_;
  scope_registry registry_{pages_};
  scope* opened_ = registry_.open({.route = "test"});
  mayfly::arena& lane_ = opened_->main_arena();
  written_memory memory_{42};
  std::byte* last_ = nullptr;
  violation_log violations_;
};

TEST_F(WrittenMemory, IsItsOwnAsItWasWritten) { EXPECT_EQ(seen(), ""); }

TEST_F(WrittenMemory, AWrongFirstByteIsSeen) {
  last_[0] ^= std::byte{1};
  EXPECT_THAT(seen(), HasSubstr("(byte 0 of 300000)"));
}

TEST_F(WrittenMemory, AWrongLastByteIsSeen) {
  last_[299'999] ^= std::byte{0x80};
  EXPECT_THAT(seen(), HasSubstr("(byte 299992 of 300000)"));
}

TEST_F(WrittenMemory, AWrongByteOfAnOddTailIsSeen) {
  std::byte* const odd = memory_.write(lane_, 13);
  odd[12] ^= std::byte{4};
  EXPECT_THAT(seen(), HasSubstr("(byte 8 of 13)"));
}

TEST_F(WrittenMemory, APatternOfAnotherRequestIsSeen) {
  written_memory other(43);
  std::byte* const foreign = other.write(lane_, 64);
  std::byte* const own = memory_.write(lane_, 64);
  std::copy(foreign, foreign + 64, own);
  EXPECT_THAT(seen(), HasSubstr("(byte 0 of 64)"));
}

TEST_F(WrittenMemory, ANoteThatWasWrittenOverIsSeenAndNotFollowed) {
  if constexpr (mayfly::detail::sanitized) GTEST_SKIP() << "AddressSanitizer would see it first";
  auto* const note = reinterpret_cast<std::uint64_t*>(memory_.write(lane_, 8) - mayfly::detail::redzone_bytes) - 4;
  std::fill(note, note + 4, 0x1111'1111'1111'1111U);
  EXPECT_THAT(seen(), HasSubstr("the note of an allocation"));
}

TEST_F(WrittenMemory, ANoteThatLeadsToNoOtherIsSeen) {
  if constexpr (mayfly::detail::sanitized) GTEST_SKIP() << "AddressSanitizer would see it first";
  auto* const note = reinterpret_cast<std::uint64_t*>(memory_.write(lane_, 8) - mayfly::detail::redzone_bytes) - 4;
  ASSERT_NE(note[1], 0U) << "the one written before";
  note[1] = 0;
  EXPECT_THAT(seen(), HasSubstr("the note of an allocation"));
}

TEST_F(WrittenMemory, BytesThatAreFoundNoMoreAreSeen) {
  // Its second word is the list's head.
  std::memset(reinterpret_cast<std::byte*>(&memory_) + sizeof(std::uint64_t), 0, sizeof(void*));
  EXPECT_THAT(seen(), HasSubstr("all 371025 bytes that it wrote"));
}

TEST_F(WrittenMemory, AnAnswerOfAPluginIsReadBackAtTheEndOfItsScope) {
  for (std::optional<std::size_t> const spoilt : {std::optional<std::size_t>{}, {0}, {7}}) {
    violation_log found;
    scope* const opened = registry_.open({});
    mayfly::arena& lane = opened->main_arena();
    auto* const answer = lane.make<mayfly::stress::kept_answer>(lane, 7U, found);
    answer->append("first");
    auto* const before = static_cast<char*>(lane.allocate(8));
    answer->append("position");
    if (spoilt) before[8 + mayfly::detail::redzone_bytes + *spoilt] ^= 1;
    answer->append("");
    EXPECT_EQ(found.count(), 0U);
    opened->close();
    ASSERT_EQ(found.count(), spoilt ? 1U : 0U);
    if (!spoilt) continue;
    EXPECT_THAT(found.first().front().expected, HasSubstr("the 13 bytes that its handler answered"));
  }
}

TEST(UsualInput, IsJsonAndTheSameForTheSameNumbers) {
  using mayfly::stress::usual_input;
  std::set<std::string> seen;
  for (std::uint64_t number = 0; number != 200; ++number) {
    std::string const text = usual_input(7, number);
    EXPECT_EQ(text, usual_input(7, number));
    EXPECT_NE(text, usual_input(8, number));
    EXPECT_TRUE(seen.insert(text).second);
    auto const tree = boost::json::parse(text);
    EXPECT_EQ(tree.at("number").to_number<std::uint64_t>(), number);
    EXPECT_TRUE(tree.at("text").is_string());
    EXPECT_TRUE(tree.at("numbers").is_array());
  }
}

TEST_F(WrittenMemory, APageWithAnotherOwnerIsSeen) {
  memory_.check(pages_, mayfly::scope_id(opened_->id().slot() + 1, 1), 7, violations_);
  ASSERT_EQ(violations_.count(), 1U);
  EXPECT_THAT(violations_.first().front().seen, HasSubstr("owned by " + to_string(opened_->id())));
}

TEST_F(WrittenMemory, AnIdThatStillResolvesIsSeen) {
  check_ended(registry_, opened_->id(), 7, violations_);
  EXPECT_EQ(violations_.count(), 1U);
}

TEST_F(WrittenMemory, AnIdThatHasEndedIsRefused) {
  scope* const ended = registry_.open({.route = "ended"});
  auto const id = ended->id();
  ended->close();
  check_ended(registry_, id, 7, violations_);
  EXPECT_EQ(violations_.count(), 0U);
}

TEST_F(WrittenMemory, TheRingOfEndedIdsFindsTheOneThatResolves) {
  auto const ids = std::make_unique<ended_ids>();
  EXPECT_FALSE(ids->check(0, registry_, violations_)) << "nothing is there yet";
  ids->add(mayfly::scope_id(opened_->id().slot(), opened_->id().generation() + 1), 6);
  ids->add(opened_->id(), 7);
  EXPECT_TRUE(ids->check(0, registry_, violations_));
  EXPECT_EQ(violations_.count(), 0U);
  EXPECT_TRUE(ids->check(1, registry_, violations_));
  ASSERT_EQ(violations_.count(), 1U);
  EXPECT_EQ(violations_.first().front().number, 7U);
}

bool a_thread_is_called(std::string_view name) {
  for (auto const& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream in(entry.path() / "comm");
    std::string its;
    if (std::getline(in, its) && its == name) return true;
  }
  return false;
}

TEST(StressRun, IsWatchedUntilItsExecutorHasEnded) {
  mayfly::stress::stress_options options;
  options.seed = 1;
  options.requests = 100;
  complete(options);
  bool worker_at_begin = false;
  bool worker_at_end = true;
  run_surroundings surroundings;
  surroundings.watch = [&](mayfly::stress::world& of) {
    worker_at_begin = a_thread_is_called("stress-0");
    return std::shared_ptr<void>(&of, [&](void*) {
      // A joined thread may be listed for a moment.
      for (int i = 0; i < 500 && worker_at_end; ++i) {
        worker_at_end = a_thread_is_called("stress-0");
        if (worker_at_end) std::this_thread::sleep_for(std::chrono::milliseconds{10});
      }
    });
  };
  auto const result = mayfly::stress::run(options, {}, surroundings);
  EXPECT_TRUE(worker_at_begin);
  EXPECT_FALSE(worker_at_end);
  EXPECT_EQ(result.of->violations.count(), 0U);
}

/// A pool whose pages are all home, as its figures show it.
mayfly::page_pool_stats idle_pool() {
  mayfly::page_pool_stats pages;
  pages.classes[0] = {.page_bytes = 16'384, .made = 10, .in_magazines = 3, .in_depot = 5, .returned = 2};
  pages.idle_block_bytes = 65'536;
  pages.committed_bytes = 8 * 16'384 + 65'536;
  return pages;
}

std::uint64_t found(mayfly::page_pool_stats const& pages) {
  violation_log violations;
  check_conserved(pages, violations);
  return violations.count();
}

TEST(Conservation, APoolWithAllPagesHomeIsSound) { EXPECT_EQ(found(idle_pool()), 0U); }

TEST(Conservation, ALostPageIsSeen) {
  auto pages = idle_pool();
  ++pages.classes[0].made;
  EXPECT_EQ(found(pages), 1U);
}

TEST(Conservation, APageThatCameHomeTwiceIsSeen) {
  auto pages = idle_pool();
  ++pages.classes[0].in_depot;
  EXPECT_EQ(found(pages), 2U) << "it is idle twice, and its memory counts twice";
}

/// The account of that pool: everything lies where idle memory does.
mayfly::memory_account idle_account() {
  using enum mayfly::memory_place;
  mayfly::memory_account account;
  auto const at = [&](mayfly::memory_place place) -> mayfly::memory_amount& {
    return account.places[static_cast<std::size_t>(place)];
  };
  at(magazines) = {.pieces = 3, .bytes = 3 * 16'384};
  at(depot) = {.pieces = 5, .bytes = 5 * 16'384};
  at(cached_blocks) = {.pieces = 1, .bytes = 65'536};
  at(free) = {.pieces = 1, .bytes = 1 << 20};
  return account;
}

std::uint64_t found(mayfly::memory_account const& account) {
  mayfly::page_pool_stats pages = idle_pool();
  pages.reserved_bytes = 8 * 16'384 + 65'536 + (1 << 20);
  violation_log violations;
  check_account(account, pages, violations);
  return violations.count();
}

TEST(Conservation, AnAccountOfIdleMemoryIsSound) { EXPECT_EQ(found(idle_account()), 0U); }

TEST(Conservation, APageThatLiesNowhereIsSeen) {
  auto account = idle_account();
  account.places[static_cast<std::size_t>(mayfly::memory_place::depot)] = {.pieces = 4, .bytes = 4 * 16'384};
  account.places[static_cast<std::size_t>(mayfly::memory_place::pages_in_use)] = {.pieces = 1, .bytes = 16'384};
  EXPECT_EQ(found(account), 1U);
}

TEST(Conservation, MemoryThatIsInNoPlaceIsSeen) {
  auto account = idle_account();
  account.places[static_cast<std::size_t>(mayfly::memory_place::magazines)] = {.pieces = 2, .bytes = 2 * 16'384};
  EXPECT_EQ(found(account), 2U) << "neither what is committed nor the reservation is whole";
}

TEST(Conservation, ABlockThatDidNotComeHomeIsSeen) {
  auto pages = idle_pool();
  pages.blocks_in_use = 1;
  EXPECT_EQ(found(pages), 1U);
}

TEST(Conservation, MemoryThatIsNeitherIdleNorGivenBackIsSeen) {
  auto pages = idle_pool();
  pages.committed_bytes += 4096;
  EXPECT_EQ(found(pages), 1U);
}

}  // namespace
