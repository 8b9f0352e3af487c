#include <mayfly/escape_rule.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace mayfly {
namespace {

std::string expected_code(unsigned number) {
  return std::string("MF-E") + static_cast<char>('0' + number / 10) + static_cast<char>('0' + number % 10);
}

TEST(EscapeRule, EveryRuleIsNamedByItsNumberAndSaysWhatIsWrongAndTheWayOut) {
  std::set<std::string_view> titles;
  std::size_t rules = 0;
  for (unsigned number = 0; number < 256; ++number) {
    if (!is_escape_rule(static_cast<std::uint8_t>(number))) continue;
    auto const rule = escape_rule{static_cast<std::uint8_t>(number)};
    EXPECT_LT(number, escape_rule_limit);
    EXPECT_EQ(code(rule), expected_code(number));
    EXPECT_FALSE(remedy(rule).empty()) << code(rule);
    EXPECT_TRUE(titles.insert(title(rule)).second) << code(rule) << " says the same as another rule";
    ++rules;
  }
  EXPECT_EQ(rules, 21U);
}

TEST(EscapeRule, NumbersDoNotChange) {
  EXPECT_EQ(code(escape_rule::handler_result), "MF-E01");
  EXPECT_EQ(code(escape_rule::detach_type), "MF-E02");
  EXPECT_EQ(code(escape_rule::task_capture), "MF-E03");
  EXPECT_EQ(code(escape_rule::task_argument), "MF-E04");
  EXPECT_EQ(code(escape_rule::nested_result), "MF-E05");
  EXPECT_EQ(code(escape_rule::channel_value), "MF-E06");
  EXPECT_EQ(code(escape_rule::coroutine_parameter), "MF-E07");
  EXPECT_EQ(code(escape_rule::closure_sent), "MF-E11");
  EXPECT_EQ(code(escape_rule::result_sent), "MF-E12");
  EXPECT_EQ(code(escape_rule::exception_sent), "MF-E13");
  EXPECT_EQ(code(escape_rule::argument_sent), "MF-E14");
  EXPECT_EQ(code(escape_rule::value_sent), "MF-E15");
  EXPECT_EQ(code(escape_rule::nested_result_sent), "MF-E16");
  EXPECT_EQ(code(escape_rule::late_deallocate), "MF-E21");
  EXPECT_EQ(code(escape_rule::late_allocate), "MF-E22");
  EXPECT_EQ(code(escape_rule::late_call), "MF-E23");
  EXPECT_EQ(code(escape_rule::late_access), "MF-E31");
  EXPECT_EQ(code(escape_rule::overwritten_canary), "MF-E32");
  EXPECT_EQ(code(escape_rule::held_by_global), "MF-E41");
  EXPECT_EQ(code(escape_rule::held_by_thread_local), "MF-E42");
  EXPECT_EQ(code(escape_rule::held_by_heap_block), "MF-E43");
}

TEST(EscapeRule, ANumberWithoutARuleIsNotMistakenForOne) {
  EXPECT_FALSE(is_escape_rule(0));
  EXPECT_EQ(code(escape_rule{99}), "MF-E??");
  EXPECT_FALSE(title(escape_rule{99}).empty());
}

}  // namespace
}  // namespace mayfly
