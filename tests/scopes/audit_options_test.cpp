#include "audit_support.hpp"
#include "support.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/audit.hpp>
#include <mayfly/detail/poison.hpp>
#include <mayfly/escape_report.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

// What is searched, when, how far, and what is told of it. Each test clears what it has set.
void const* asked_global = nullptr;
std::array<void const*, 8> asked_array{};
thread_local void const* asked_thread = nullptr;

namespace mayfly {
namespace {

using test::audited;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(AuditOptions, ATestMayAskBeforeItCloses) {
  audited with{{.one_in = 0}};
  asked_global = with.int_in_scope();
  asked_thread = asked_global;
  auto const block = std::make_unique<void const*>(asked_global);
  test::somebody_looks_into(block);
  audit_result const found = audit_scope(with.scope(), test::unlimited);
  asked_global = nullptr;
  asked_thread = nullptr;
  *block = nullptr;
  audit_result const later = audit_scope(with.scope(), test::unlimited);
  with.close();
  EXPECT_EQ(found.globals, 1U);
  EXPECT_EQ(found.thread_locals, 1U);
  EXPECT_EQ(found.heap_blocks, 1U);
  EXPECT_TRUE(found.complete);
  EXPECT_EQ(later.holders(), 0U);
  EXPECT_GT(later.searched_bytes, 0U);
  EXPECT_THAT(with.reports(), SizeIs(3));
}

TEST(AuditOptions, AScopeWithoutMemoryIsNotSearchedFor) {
  audited with;
  EXPECT_EQ(audit_scope(with.scope()).searched_bytes, 0U);
}

TEST(AuditOptions, WhatIsSwitchedOffIsNotSearched) {
  audited with{{.one_in = 0}};
  asked_global = with.int_in_scope();
  asked_thread = asked_global;
  auto const block = std::make_unique<void const*>(asked_global);
  test::somebody_looks_into(block);
  EXPECT_EQ(audit_scope(with.scope(), {.globals = false}).globals, 0U);
  EXPECT_EQ(audit_scope(with.scope(), {.thread_locals = false}).thread_locals, 0U);
  EXPECT_EQ(audit_scope(with.scope(), {.heap = false}).heap_blocks, 0U);
  EXPECT_EQ(audit_scope(with.scope()).holders(), 3U);
  asked_global = nullptr;
  asked_thread = nullptr;
}

TEST(AuditOptions, TheSearchEndsAtItsLimitAndSaysSo) {
  audited with{{.one_in = 0}};
  static_cast<void>(with.int_in_scope());
  std::vector<std::uint64_t> const large(std::size_t{4} << 20U, 1);
  audit_result const found = audit_scope(with.scope(), {.most_bytes = std::size_t{1} << 20U});
  EXPECT_FALSE(found.complete);
  EXPECT_LE(found.searched_bytes, std::size_t{2} << 20U);
}

TEST(AuditOptions, FollowingFreedBlocksCountsToo) {
  if (detail::sanitized || test::thread_sanitized) GTEST_SKIP() << "the heap is a sanitizer's";
  audited with{{.one_in = 0}};
  auto const block = std::make_unique<void const*>(with.int_in_scope());  // so that the heap must be told apart
  test::somebody_looks_into(block);
  std::vector<std::unique_ptr<std::uint64_t>> freed(20'000);
  for (auto& each : freed) each = std::make_unique<std::uint64_t>(1U);
  auto const kept = std::make_unique<std::uint64_t>(1U);  // what lies before it does not become one large free block
  for (auto& each : freed) each.reset();
  std::size_t const searched = audit_scope(with.scope()).searched_bytes;
  audit_result const found = audit_scope(with.scope(), {.most_bytes = searched + (std::size_t{8} << 20U)});
  EXPECT_FALSE(found.complete);
  EXPECT_EQ(found.heap_blocks, 0U) << "who may be in use and who not, it cannot tell";
}

TEST(AuditOptions, ReportsHaveALimitAndCountsHaveNone) {
  audited with{{.one_in = 0}};
  std::vector<std::unique_ptr<void const*>> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(std::make_unique<void const*>(with.int_in_scope()));
  EXPECT_EQ(audit_scope(with.scope(), {.most_reports = 4}).heap_blocks, 10U);
  EXPECT_THAT(with.reports(), SizeIs(4));
}

TEST(AuditOptions, OneInSoManyScopesIsAudited) {
  audited with{{.one_in = 4}};
  asked_global = with.int_in_scope();
  with.close();
  for (int i = 0; i < 99; ++i) {
    with.open();
    asked_global = with.int_in_scope();
    with.close();
  }
  asked_global = nullptr;
  auto const heard = with.reports();  // and perhaps of suspects, as the heap is what earlier tests have made of it
  EXPECT_EQ(std::ranges::count(heard, escape_rule::held_by_global, &test::heard::rule), 25);
}

/// A dangling address points into the next scope that is given the page: that one has not stored it.
TEST(AuditOptions, AtItsEndNoScopeIsBlamedForAWordThatWasToldOfBefore) {
  test::listening ears;
  page_pool pool{{.reserve_bytes = std::size_t{1} << 26U}};
  scope_registry registry{pool, {.capacity = 4, .audit = {.one_in = 1}}};
  auto const audit_a_scope = [&registry](bool store) {
    scope& opened = *registry.open({.route = "one of several"});
    int* const object = test::inside(opened, [&opened] { return opened.make<int>(1); });
    if (store) asked_global = object;
    std::uint32_t const asked = store ? 0 : audit_scope(opened).globals;
    opened.close();
    return asked;
  };
  audit_a_scope(true);
  EXPECT_THAT(ears.reports(), SizeIs(1));
  EXPECT_EQ(audit_a_scope(false), 1U) << "the page was not used again";
  EXPECT_THAT(ears.reports(), SizeIs(2)) << "told of when asked for, and not at the end";
  asked_global = static_cast<std::byte const*>(asked_global) + 1;
  scope& last = *registry.open({.route = "last"});
  test::inside(last, [&last] { last.make<int>(1); });
  last.close();
  asked_global = nullptr;
  EXPECT_THAT(ears.reports(), SizeIs(3)) << "another word is news";
}

TEST(AuditOptions, AHolderThatHasLetGoBeforeItsReportIsNotReported) {
  static std::atomic<int> reports;
  reports = 0;
  audited with{{.one_in = 0}};
  asked_global = with.int_in_scope();
  asked_array[1] = asked_global;
  set_escape_handler(
      [](escape_report const&, void*) noexcept {
        ++reports;
        asked_global = nullptr;
        asked_array = {};
      },
      nullptr);
  EXPECT_EQ(audit_scope(with.scope()).globals, 1U);
  EXPECT_EQ(reports, 1);
}

/// What a thread works for is a thread-local of ours, and its lane lies in the scope.
TEST(AuditOptions, AThreadInsideTheScopeIsNoHolder) {
  audited with{{.one_in = 0}};
  static_cast<void>(with.int_in_scope());
  std::latch inside{1};
  std::latch audit_done{1};
  std::thread other{[&] {
    test::inside(with.scope(), [&] {
      with.scope().make<int>(1);
      inside.count_down();
      audit_done.wait();
    });
  }};
  inside.wait();
  EXPECT_EQ(audit_scope(with.scope()).holders(), 0U);
  audit_done.count_down();
  other.join();
}

TEST(AuditOptions, ExemptedMemoryIsLeftOut) {
  audited with;
  auto const table = std::make_unique<std::array<void const*, 16>>();
  with.registry().exempt_from_audit({table.get(), sizeof *table});
  (*table)[4] = with.int_in_scope();
  with.close();
  EXPECT_THAT(with.reports(), IsEmpty());
}

TEST(AuditOptions, APoolAndARegistryThatAreGlobalsAreNotTakenForHolders) {
  static std::optional<page_pool> pool;
  static std::optional<scope_registry> registry;
  audited with{{.one_in = 0}};
  pool.emplace(page_pool_options{.reserve_bytes = std::size_t{1} << 26U});
  registry.emplace(*pool, scope_registry_options{.capacity = 4});
  std::vector<scope*> const all = test::open_all(*registry);
  for (scope* const each : all) test::inside(*each, [each] { each->make<int>(1); });
  for (scope* const each : all) EXPECT_EQ(audit_scope(*each).holders(), 0U);
  test::close_all(all);
  EXPECT_THAT(with.reports(), IsEmpty());
  registry.reset();
  pool.reset();
}

}  // namespace
}  // namespace mayfly
