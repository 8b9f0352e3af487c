// What AddressSanitizer reports of scopes' memory, and what it cannot see by itself.

#include "support.hpp"
#include <mayfly/detail/poison.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>

namespace mayfly {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct AddressSanitizerDeathTest : testing::Test {
  AddressSanitizerDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void SetUp() override {
    if (!detail::sanitized) GTEST_SKIP() << "needs AddressSanitizer";
  }

  static char volatile* take(scope& from, std::size_t bytes) {
    return static_cast<char volatile*>(from.main_arena().allocate(bytes));
  }

  page_pool pool{{.reserve_bytes = std::size_t{1} << 30U}};
  scope_registry plain{pool};
};

TEST_F(AddressSanitizerDeathTest, AUseAfterCloseIsReported) {
  scope* const opened = plain.open({});
  auto* const memory = take(*opened, 32);
  *memory = 1;
  opened->close();
  EXPECT_DEATH(static_cast<void>(*memory), AllOf(HasSubstr("use-after-poison"), Not(HasSubstr("MF-E31"))));
  EXPECT_DEATH(*memory = 2, "use-after-poison");
}

TEST_F(AddressSanitizerDeathTest, AUseBetweenAllocationsIsReported) {
  scope* const opened = plain.open({});
  auto* const first = take(*opened, 20);
  auto* const second = take(*opened, 20);
  EXPECT_DEATH(first[20] = 1, "use-after-poison");
  EXPECT_DEATH(static_cast<void>(second[-1]), "use-after-poison");
  first[19] = 1;
  second[0] = 1;
  opened->close();
}

TEST_F(AddressSanitizerDeathTest, AnOverrunIntoAnotherScopesPageIsReported) {
  scope* const one = plain.open({});
  scope* const other = plain.open({});
  auto* const lower = take(*one, 15'000);
  auto* const upper = take(*other, 15'000);
  ASSERT_NE(pool.owner_of(const_cast<char*>(lower)), pool.owner_of(const_cast<char*>(upper)));
  EXPECT_DEATH(for (std::size_t i = 0; i <= 16'384; ++i) lower[i] = 1, "use-after-poison");
  EXPECT_DEATH(for (std::size_t i = 1; i <= 16'384; ++i) upper[-static_cast<std::ptrdiff_t>(i)] = 1,
               "use-after-poison");
  one->close();
  other->close();
}

/// The page has another tenant, who has taken memory at the same address: nothing is poisoned there. In quarantine it
/// has none.
TEST_F(AddressSanitizerDeathTest, AUseOfAPageThatWouldBeAnotherScopesByNowIsReportedByGuardModeOnly) {
  for (std::uint32_t const one_in : {0U, 1U}) {
    scope_registry registry{pool, {.guard = {.one_in = one_in}}};
    scope* const gone = registry.open({.route = "gone"});
    auto* const memory = take(*gone, 32);
    gone->close();
    scope* const next = registry.open({.route = "next"});
    auto* const other = take(*next, 32);
    EXPECT_EQ(other == memory, one_in == 0);
    if (one_in == 0) {
      *memory = 1;  // seen by nobody
    } else {
      EXPECT_DEATH(*memory = 1, AllOf(HasSubstr("use-after-poison"), HasSubstr("MF-E31"), HasSubstr("route=\"gone\"")));
    }
    next->close();
  }
}

}  // namespace
}  // namespace mayfly
