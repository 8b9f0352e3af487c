// Built with MAYFLY_CANARIES, together with arena's canary_test.cpp: overwritten canaries are told as MF-E32.

#include "support.hpp"
#include <mayfly/detail/canary.hpp>
#include <mayfly/detail/page_quarantine.hpp>
#include <mayfly/escape_report.hpp>

#include <gtest/gtest.h>

#include <memory_resource>
#include <string>
#include <vector>

namespace mayfly {
namespace {

/// A report that outlives what it was made from.
struct heard {
  escape_report report;
  std::string route;
};

struct CanaryReport : testing::Test {
  CanaryReport() {
    set_escape_handler(
        [](escape_report const& report, void* user) noexcept {
          static_cast<std::vector<heard>*>(user)->push_back({report, std::string{report.route}});
        },
        &reports);
  }
  ~CanaryReport() override { set_escape_handler(nullptr, nullptr); }
  CanaryReport(CanaryReport const&) = delete;
  CanaryReport& operator=(CanaryReport const&) = delete;

  std::vector<heard> reports;
  page_pool pool{{.reserve_bytes = std::size_t{1} << 30U}};
};

TEST_F(CanaryReport, TellsAtTheEndOfAScopeWhoseMemoryWasOverrun) {
  for (std::uint32_t const one_in : {0U, 1U}) {
    reports.clear();
    scope_registry registry{pool, {.guard = {.one_in = one_in}}};
    scope* const opened = registry.open({.route = "careless"});
    scope_id const id = opened->id();
    auto* const text = static_cast<char*>(opened->main_arena().allocate(13));
    text[13] = 7;
    test::elsewhere([&] {
      scope_entry const entered{*opened};
      static_cast<char*>(opened->arena().allocate(24))[24] = 7;
    });
    opened->close();
    ASSERT_EQ(reports.size(), 2U) << "its lane's and its own";
    EXPECT_EQ(reports[0].report.allocation_bytes, 24U);
    escape_report const& own = reports[1].report;
    EXPECT_EQ(own.rule, escape_rule::overwritten_canary);
    EXPECT_EQ(own.address, text + 13);
    EXPECT_EQ(own.scope, id);
    EXPECT_EQ(reports[1].route, "careless");
    EXPECT_EQ(own.allocation_bytes, 13U);
    EXPECT_NE(own.site, nullptr);
    EXPECT_NE(own.opened, scope_clock::time_point::min());
    EXPECT_NE(own.closed, scope_clock::time_point::min());
    EXPECT_NE(own.opened_thread, 0);
    EXPECT_EQ(own.closed_thread, own.this_thread);
  }
}

TEST_F(CanaryReport, TellsWhileTheScopeLivesWhenTheMemoryIsGivenBack) {
  scope_registry registry{pool};
  scope* const opened = registry.open({.route = "careless"});
  {
    scope_entry const entered{*opened};
    auto* const text = static_cast<char*>(opened->memory()->allocate(24));
    text[24] = 7;
    opened->memory()->deallocate(text, 24);
  }
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].report.scope, opened->id());
  EXPECT_EQ(reports[0].route, "careless");
  EXPECT_EQ(reports[0].report.closed, scope_clock::time_point::min());
  opened->close();
  EXPECT_EQ(reports.size(), 1U);
}

TEST_F(CanaryReport, OfAScopeWithinAnotherNamesTheOneWhoseMemoryItIs) {
  for (bool const inner_is_overrun : {true, false}) {
    reports.clear();
    scope_registry registry{pool};
    scope* const outer = registry.open({.route = "outer"});
    scope_id const outer_id = outer->id();
    scope_id inner_id;
    {
      scope_entry const entered{*outer};
      scope* const inner = registry.open({.route = "inner"});
      inner_id = inner->id();
      {
        scope_entry const within{*inner};
        auto* const of_inner = static_cast<char*>(inner->arena().allocate(24));
        auto* const of_outer = static_cast<char*>(outer->main_arena().allocate(24));
        (inner_is_overrun ? of_inner : of_outer)[24] = 7;
      }
      inner->close();
      EXPECT_EQ(reports.size(), inner_is_overrun ? 1U : 0U);
    }
    outer->close();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].report.scope, inner_is_overrun ? inner_id : outer_id);
    EXPECT_EQ(reports[0].route, inner_is_overrun ? "inner" : "outer");
  }
}

TEST_F(CanaryReport, OfAllocationsGivenBackWithinAnotherScopeSaysNothingOfThatOne) {
  scope_registry registry{pool};
  scope* const here = registry.open({.route = "here"});
  arena other{pool, {.owner_tag = 77}};
  {
    scope_entry const entered{*here};
    auto* const text = static_cast<char*>(other.allocate(24));
    text[24] = 7;
    other.deallocate(text, 24);
  }
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].report.scope.bits(), 77U);
  EXPECT_EQ(reports[0].route, "");
  here->close();
}

TEST_F(CanaryReport, OfALateAccessToldByGuardModeSaysWhichAllocation) {
  scope_registry registry{pool, {.guard = {.one_in = 1}}};
  scope* const opened = registry.open({});
  std::vector<char*> taken;
  for (std::size_t const bytes : {13U, 100U, 9'000U, 9'001U, 400'000U}) {
    taken.push_back(static_cast<char*>(opened->main_arena().allocate(bytes)));
  }
  opened->close();
  auto const at = [](char const* address) {
    auto const found = detail::find_quarantined_allocation(address);
    EXPECT_TRUE(!found || found->site != nullptr);
    return found ? found->bytes : 0;
  };
  EXPECT_EQ(at(taken[0] + 12), 13U);
  EXPECT_EQ(at(taken[1]), 100U);
  EXPECT_EQ(at(taken[1] + 99), 100U);
  EXPECT_EQ(at(taken[2] + 4'000), 9'000U);
  EXPECT_EQ(at(taken[3] + 9'000), 9'001U);
  EXPECT_EQ(at(taken[4] + 399'999), 400'000U);
  EXPECT_EQ(at(taken[3] + 10'000), 0U) << "behind the last";
}

TEST_F(CanaryReport, AnEmbeddersHandlerStaysWhenARegistryIsMade) {
  static int heard_by_embedder = 0;
  heard_by_embedder = 0;
  detail::set_canary_handler([](detail::canary_damage const&) noexcept { ++heard_by_embedder; });
  {
    scope_registry registry{pool};
    scope* const opened = registry.open({});
    static_cast<char*>(opened->main_arena().allocate(13))[13] = 7;
    opened->close();
  }
  detail::set_canary_handler(nullptr);
  EXPECT_EQ(heard_by_embedder, 1);
  EXPECT_TRUE(reports.empty());
}

TEST_F(CanaryReport, SaysNothingOfContainersThatStayInBounds) {
  scope_registry registry{pool};
  scope* const opened = registry.open({});
  {
    scope_entry const entered{*opened};
    std::pmr::vector<std::pmr::string> words{opened->memory()};
    for (int i = 0; i < 2'000; ++i) words.emplace_back("a word that is longer than a string's own buffer");
    opened->make<std::pmr::vector<int>>(100U, 7, opened->memory());
  }
  opened->close();
  EXPECT_TRUE(reports.empty());
}

}  // namespace
}  // namespace mayfly
