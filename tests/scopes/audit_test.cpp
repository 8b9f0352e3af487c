#include "audit_library/held.hpp"
#include "audit_support.hpp"
#include "support.hpp"
#include <mayfly/audit.hpp>
#include <mayfly/escape_report.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <latch>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

// Holders of every kind. Each test clears what it has set, for the tests behind it.
void const* held_by_global = nullptr;
std::array<void const*, 8> held_by_array{};
thread_local void const* held_by_thread = nullptr;

namespace mayfly {
namespace {

using test::audited;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

auto named(std::string const& part) { return Field("holder", &test::heard::holder, HasSubstr(part)); }
auto of_rule(escape_rule rule) { return Field("rule", &test::heard::rule, rule); }
auto of_bytes(std::size_t bytes) { return Field("holder_bytes", &test::heard::holder_bytes, bytes); }
auto suspected(bool yes) { return Field("suspect", &test::heard::suspect, yes); }

/// A variable inside a function.
void const*& static_local() {
  static void const* held_by_static_local = nullptr;
  return held_by_static_local;
}

/// Keeps an address where this thread's stack and registers do not.
struct holder_node {
  std::uint64_t number = 1;
  std::vector<int const*> kept;
};

TEST(Audit, AGlobalIsNamedAndIsNoSuspect) {
  audited with;
  held_by_global = with.int_in_scope();
  with.close();
  held_by_global = nullptr;
  EXPECT_THAT(with.reports(), ElementsAre(AllOf(of_rule(escape_rule::held_by_global), named("held_by_global in "),
                                                of_bytes(sizeof(void*)), suspected(false))));
}

TEST(Audit, TheReportSaysWhichScopeAndWhichAddress) {
  audited with;
  int* const object = with.int_in_scope();
  scope_id const id = with.scope().id();
  held_by_global = object;
  with.close();
  held_by_global = nullptr;
  ASSERT_THAT(with.reports(), SizeIs(1));
  test::heard const& heard = with.reports().front();
  EXPECT_EQ(~heard.disguised_address, reinterpret_cast<std::uintptr_t>(object));
  EXPECT_EQ(heard.scope, id);
  EXPECT_EQ(heard.route, "test");
  EXPECT_NE(heard.opened_thread, 0);
  EXPECT_NE(heard.closed_thread, 0);
  EXPECT_EQ(heard.holder_address, &held_by_global);
}

TEST(Audit, AnElementOfAGlobalIsNamedWithItsOffsetAndTheGlobalIsReportedOnce) {
  audited with;
  held_by_array[3] = with.int_in_scope();
  held_by_array[5] = with.int_in_scope();
  with.close();
  held_by_array = {};
  EXPECT_THAT(with.reports(), ElementsAre(AllOf(named("held_by_array+0x18 in "), of_bytes(64))));
}

TEST(Audit, AStaticLocalIsNamedWithItsFunction) {
  audited with;
  static_local() = with.int_in_scope();
  with.close();
  static_local() = nullptr;
  EXPECT_THAT(with.reports(), ElementsAre(AllOf(of_rule(escape_rule::held_by_global), named("static_local()"),
                                                named("held_by_static_local"))));
}

TEST(Audit, AnAddressInsideAnObjectOfTheScopeIsSeen) {
  audited with;
  held_by_global = reinterpret_cast<std::byte const*>(with.int_in_scope()) + 3;
  with.close();
  held_by_global = nullptr;
  EXPECT_THAT(with.reports(), SizeIs(1));
}

TEST(Audit, AnAddressInALargeBlockOfTheScopeIsSeen) {
  audited with;
  held_by_global = static_cast<std::byte const*>(with.allocate(std::size_t{1} << 20U)) + 900'000;
  with.close();
  held_by_global = nullptr;
  EXPECT_THAT(with.reports(), SizeIs(1));
}

TEST(Audit, AnAddressInAnotherScopeIsNotThisOnesAffair) {
  audited with;
  scope& other = *with.registry().open({.route = "other"});
  held_by_global = test::inside(other, [&] { return other.make<int>(1); });
  static_cast<void>(with.int_in_scope());
  with.close();
  EXPECT_THAT(with.reports(), IsEmpty());
  other.close();
  held_by_global = nullptr;
  EXPECT_THAT(with.reports(), SizeIs(1));
}

TEST(Audit, AThreadLocalOfThisThreadIsASuspect) {
  audited with;
  held_by_thread = with.int_in_scope();
  with.close();
  held_by_thread = nullptr;
  EXPECT_THAT(with.reports(), ElementsAre(AllOf(of_rule(escape_rule::held_by_thread_local), suspected(true),
                                                named("held_by_thread of thread "), of_bytes(sizeof(void*)))));
}

TEST(Audit, AThreadLocalOfAThreadThatNeverEnteredTheScopeIsNamedWithItsThread) {
  audited with;
  void const* const object = with.int_in_scope();
  std::latch stored{1};
  std::latch audit_done{1};
  std::int32_t id = 0;
  std::thread other{[&] {
    held_by_thread = object;
    library_thread_local() = object;
    id = static_cast<std::int32_t>(gettid());
    stored.count_down();
    audit_done.wait();
  }};
  stored.wait();
  with.close();
  audit_done.count_down();
  other.join();
  std::string const thread = " of thread " + std::to_string(id) + " in ";
  EXPECT_THAT(with.reports(), ::testing::UnorderedElementsAre(named("held_by_thread" + thread),
                                                              named("held_by_library_thread" + thread)));
}

TEST(Audit, AThreadThatHasEndedHoldsNothing) {
  audited with;
  void const* const object = with.int_in_scope();
  test::elsewhere([object] { held_by_thread = object; });
  with.close();
  EXPECT_THAT(with.reports(), IsEmpty());
}

TEST(Audit, ABlockFromMallocIsASuspectWithItsStartAndSize) {
  audited with;
  auto* const block = static_cast<void const**>(std::calloc(5, sizeof(void*)));
  block[2] = with.int_in_scope();
  with.close();
  std::free(block);
  EXPECT_THAT(with.reports(),
              ElementsAre(AllOf(of_rule(escape_rule::held_by_heap_block), named("heap block"), of_bytes(40),
                                suspected(true), Field("address", &test::heard::holder_address, block),
                                Field("offset", &test::heard::offset, std::size_t{16}))));
}

TEST(Audit, AnObjectFromNewAndAVectorInsideAStructAreSeen) {
  audited with;
  auto node = std::make_unique<holder_node>();
  node->kept.assign(10, nullptr);
  node->kept[9] = with.int_in_scope();
  with.close();
  EXPECT_THAT(with.reports(), ElementsAre(AllOf(named("heap block"), Field("start", &test::heard::holder_address,
                                                                           static_cast<void*>(node->kept.data())))));
}

TEST(Audit, ABlockOfAnotherThreadsHeapIsSeen) {
  audited with;
  void const* const object = with.int_in_scope();
  std::unique_ptr<std::list<void const*>> kept;
  test::elsewhere([&] {
    kept = std::make_unique<std::list<void const*>>();
    for (int i = 0; i < 100; ++i) kept->push_back(nullptr);
    kept->push_back(object);
  });
  with.close();
  EXPECT_THAT(with.reports(), ElementsAre(named("heap block")));
}

/// After a fork the kernel lists what a heap grows by as a mapping of its own.
TEST(Audit, AForkedProcessFindsBlocksInAHeapThatHasGrownSince) {
  audited with{{.one_in = 0}};
  void const* const object = with.int_in_scope();
  std::vector<std::unique_ptr<std::array<void const*, 100>>> blocks(2000);
  pid_t const child = fork();
  if (child == 0) {
    for (auto& block : blocks) block = std::make_unique<std::array<void const*, 100>>();
    (*blocks.front())[7] = object;
    (*blocks.back())[7] = object;
    audit_result const found = audit_scope(with.scope(), test::unlimited);
    _exit(found.heap_blocks == 2 && found.complete ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Audit, ALargeBlockWithAMappingOfItsOwnIsSeen) {
  for (std::size_t const alignment : {std::size_t{16}, std::size_t{64}, std::size_t{1024}, std::size_t{8192}}) {
    audited with;
    constexpr std::size_t bytes = std::size_t{3} << 20U;
    auto* const block = static_cast<void const**>(std::aligned_alloc(alignment, bytes));
    block[0] = nullptr;
    block[bytes / sizeof(void*) - 1] = with.int_in_scope();
    with.close();
    std::free(block);
    ASSERT_THAT(with.reports(), ElementsAre(named("heap block"))) << alignment;
    EXPECT_EQ(with.reports().front().holder_address, block) << alignment;
    EXPECT_GE(with.reports().front().holder_bytes, bytes) << alignment;
  }
}

/// Blocks of many sizes, each holding an address, given back: into the thread's cache, fastbins, and larger bins.
TEST(Audit, MemoryThatWasFreedIsNotReported) {
  audited with;
  int const* const object = with.int_in_scope();
  for (std::size_t const words : {3U, 5U, 8U, 13U, 21U, 100U, 300U, 3000U, 100'000U}) {
    std::vector<std::unique_ptr<std::vector<int const*>>> blocks;
    for (int i = 0; i < 40; ++i) blocks.push_back(std::make_unique<std::vector<int const*>>(words, object));
  }
  {
    std::map<int, int const*> tree;
    for (int i = 0; i < 500; ++i) tree[i] = object;
  }
  test::elsewhere([object] {
    std::list<std::vector<int const*>> lists;
    for (int i = 0; i < 200; ++i) lists.emplace_back(4, object);
  });
  with.close();
  EXPECT_THAT(with.reports(), IsEmpty());
}

TEST(Audit, WhatTheDestructorsOfTheScopeLetGoOfIsNotReported) {
  struct unsubscribes {
    ~unsubscribes() { held_by_global = nullptr; }
  };
  audited with;
  test::inside(with.scope(), [&] { with.scope().make<unsubscribes>(); });
  held_by_global = with.int_in_scope();
  with.close();
  EXPECT_THAT(with.reports(), IsEmpty());
  EXPECT_EQ(held_by_global, nullptr);
}

TEST(Audit, LocalsOfTheClosingThreadAreNotReported) {
  audited with;
  std::array<void const*, 16> locals{};
  locals.fill(with.int_in_scope());
  with.close();
  EXPECT_THAT(with.reports(), IsEmpty());
  EXPECT_NE(locals[3], nullptr);
}

TEST(Audit, LanesOfSeveralThreadsAreSearchedFor) {
  audited with;
  test::elsewhere([&] { test::inside(with.scope(), [&] { held_by_global = with.scope().make<int>(7); }); });
  with.close();
  held_by_global = nullptr;
  EXPECT_THAT(with.reports(), ElementsAre(named("held_by_global")));
}

}  // namespace
}  // namespace mayfly
