#include <mayfly/stress/choices.hpp>
#include <mayfly/stress/stress_options.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>

namespace {

using namespace mayfly::stress;
using testing::HasSubstr;

choice_plan plan_of(std::uint64_t seed, std::string const& faults = "pages,cancel,throw,slow",
                    std::string const& mix = "default") {
  std::string wrong;
  return {.seed = seed, .mix = *request_mix::parse(mix, wrong), .faults = *fault_set::parse(faults, wrong)};
}

TEST(Choices, AreTheSameForTheSameSeed) {
  auto const plan = plan_of(7);
  auto const again = plan_of(7);
  for (std::uint64_t number = 0; number < 5'000; ++number) EXPECT_EQ(choose(plan, number), choose(again, number));
}

TEST(Choices, AreOthersForAnotherSeed) {
  std::uint64_t same = 0;
  for (std::uint64_t number = 0; number < 1'000; ++number) {
    if (choose(plan_of(7), number).key == choose(plan_of(8), number).key) ++same;
  }
  EXPECT_EQ(same, 0U);
}

TEST(Choices, AreTheSameInEveryBuildAndOnEveryMachine) {
  std::uint64_t sum = 0;
  for (std::uint64_t number = 0; number < 1'000; ++number) sum += digest(choose(plan_of(7), number));
  EXPECT_EQ(sum, 15'139'962'611'688'218'065U) << "a repeat command printed before this change repeats nothing any more";
}

TEST(Choices, AreTheSameWhateverIsDoneBesideRequests) {
  for (std::uint64_t number = 0; number < 1'000; ++number) {
    EXPECT_EQ(choose(plan_of(7), number), choose(plan_of(7, "pages,cancel,throw,slow,epochs,budget"), number));
    EXPECT_EQ(choose(plan_of(7, "none"), number), choose(plan_of(7, "epochs,budget"), number));
  }
}

TEST(Choices, StayWhenAFaultIsTurnedOff) {
  auto const with = plan_of(7);
  auto const without = plan_of(7, "none");
  for (std::uint64_t number = 0; number < 2'000; ++number) {
    auto const a = choose(with, number);
    auto const b = choose(without, number);
    EXPECT_EQ(a.key, b.key);
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_FALSE(b.throw_is_fault || b.cancel_is_fault || b.storm || b.trim || b.overrun);
  }
}

TEST(Choices, FollowTheWeightsOfTheMix) {
  auto const plan = plan_of(7, "none", "small=3,held=1");
  std::map<request_kind, int> kinds;
  for (std::uint64_t number = 0; number < 4'000; ++number) ++kinds[choose(plan, number).kind];
  EXPECT_EQ(kinds.size(), 2U);
  EXPECT_NEAR(kinds[request_kind::held], 1'000, 120);
}

TEST(Choices, EveryKindAndFaultComesInTheDefaultMix) {
  std::map<request_kind, int> kinds;
  std::map<std::string, int> faults;
  for (std::uint64_t number = 0; number < 20'000; ++number) {
    auto const what = choose(plan_of(7), number);
    ++kinds[what.kind];
    faults["throw"] += what.throw_is_fault ? 1 : 0;
    faults["cancel"] += what.cancel_is_fault ? 1 : 0;
    faults["storm"] += what.storm ? 1 : 0;
    faults["trim"] += what.trim ? 1 : 0;
    faults["slow"] += what.overrun ? 1 : 0;
    faults["budget"] += what.request_bytes != 0 ? 1 : 0;
  }
  EXPECT_EQ(kinds.size(), kind_count - 1) << "all but plugin";
  for (auto const& [name, count] : faults) EXPECT_GT(count, 0) << name;
}

TEST(Choices, ADigestDependsOnEachPart) {
  choice const what = choose(plan_of(7), 3);
  auto other = what;
  other.wait_us += 1;
  EXPECT_NE(digest(what), digest(other));
  other = what;
  other.storm = !other.storm;
  EXPECT_NE(digest(what), digest(other));
}

std::string wrong_mix(std::string const& text) {
  std::string wrong;
  return request_mix::parse(text, wrong) ? "" : wrong;
}

TEST(Mix, NonsenseIsRefusedWithARemedy) {
  EXPECT_THAT(wrong_mix("smal=3"), HasSubstr("'smal'"));
  EXPECT_THAT(wrong_mix("smal=3"), HasSubstr("small, large"));
  EXPECT_THAT(wrong_mix("small=x"), HasSubstr("0 to 1000000"));
  EXPECT_THAT(wrong_mix("small=0"), HasSubstr("above 0"));
  EXPECT_THAT(wrong_mix(""), HasSubstr("say default"));
  EXPECT_EQ(wrong_mix("small,held=2"), "");
}

TEST(Faults, NonsenseIsRefusedWithARemedy) {
  std::string wrong;
  EXPECT_FALSE(fault_set::parse("pages,fire", wrong));
  EXPECT_THAT(wrong, HasSubstr("'fire'"));
  EXPECT_THAT(wrong, HasSubstr("pages, cancel, throw, slow, epochs, budget"));
  EXPECT_FALSE(fault_set::parse("none", wrong)->has(fault::pages));
  EXPECT_EQ(fault_set::parse("slow,pages", wrong)->text(), "pages,slow");
}

/// Flags as main reads them.
stress_options said(std::vector<std::pair<std::string, std::string>> const& flags) {
  stress_options options;
  for (auto const& [name, value] : flags) {
    auto const known = std::ranges::find(settings(), name, &setting::name);
    if (auto const wrong = known->apply(options, value)) throw usage_error("--" + name + ": '" + value + "' " + *wrong);
  }
  complete(options);
  return options;
}

std::string complaint(std::vector<std::pair<std::string, std::string>> const& flags) {
  try {
    said(flags);
  } catch (usage_error const& wrong) {
    return wrong.what();
  }
  return "";
}

TEST(StressOptions, NonsenseIsRefusedWithCauseAndRemedy) {
  EXPECT_THAT(complaint({{"seed", "-1"}}), HasSubstr("whole number from 0"));
  EXPECT_THAT(complaint({{"duration", "60"}}), HasSubstr("such as 60s"));
  EXPECT_THAT(complaint({{"duration", "0s"}}), HasSubstr("not a time"));
  EXPECT_THAT(complaint({{"duration", "1s"}, {"requests", "5"}}), HasSubstr("say one of them"));
  EXPECT_THAT(complaint({{"workers", "0"}}), HasSubstr("from 1 to 1024"));
  EXPECT_THAT(complaint({{"page-budget", "1KiB"}}), HasSubstr("at least 1MiB"));
  EXPECT_THAT(complaint({{"perturb", "wild"}}), HasSubstr("off, light and heavy"));
  EXPECT_THAT(complaint({{"mix", "plugin=1"}}), HasSubstr("say --plugin"));
  EXPECT_THAT(complaint({{"mix", "small=1"}, {"plugin", "a.so"}}), HasSubstr("add plugin=10"));
}

TEST(StressOptions, APluginAloneIsTheWholeMix) { EXPECT_EQ(said({{"plugin", "a.so"}}).mix, "plugin"); }

TEST(StressOptions, TheFaultPagesMakesTheBudgetTight) {
  EXPECT_EQ(said({}).page_budget_bytes(), stress_options::tight_page_budget);
  EXPECT_EQ(said({{"faults", "throw"}}).page_budget_bytes(), 0U);
  EXPECT_EQ(said({{"page-budget", "64MiB"}}).page_budget_bytes(), std::size_t{64} << 20U);
}

TEST(StressOptions, TheRepeatCommandSaysEverythingThatChoicesAndMemoryDependOn) {
  auto const options = said({{"seed", "7"},
                             {"duration", "2s"},
                             {"mix", "small=3,plugin"},
                             {"faults", "throw"},
                             {"workers", "3"},
                             {"submitters", "1"},
                             {"in-flight", "9"},
                             {"page-budget", "2MiB"},
                             {"plugin", "/a b/it's.so"},
                             {"watchdog", "5s"}});
  EXPECT_EQ(
      repeat_command(options, 123),
      "mayfly-stress stress --seed 7 --requests 123 --mix small=3,plugin --faults throw --workers 3 --submitters 1 "
      "--in-flight 9 --page-budget 2097152 --watchdog 5000000us --plugin '/a b/it'\\''s.so'");
}

}  // namespace
