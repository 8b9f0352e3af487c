#include "support.hpp"
#include <mayfly/escape_report.hpp>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <unistd.h>

namespace mayfly {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string text_of(escape_report const& report) {
  std::array<char, longest_escape_report> text;
  return {text.data(), format_text(report, text)};
}

std::string json_text_of(escape_report const& report) {
  std::array<char, longest_escape_report> text;
  return {text.data(), format_json(report, text)};
}

scope_clock::time_point at_ns(std::int64_t ns) { return scope_clock::time_point{std::chrono::nanoseconds{ns}}; }

/// Every field set, each to something that no other field shows.
escape_report full_report() {
  return {.rule = escape_rule::result_sent,
          .address = reinterpret_cast<void const*>(0x7f00deadbeef),
          .scope = scope_id{17, 42},
          .route = "orders",
          .opened = at_ns(1'001),
          .closed = at_ns(2'002),
          .told = at_ns(3'033),
          .opened_thread = 31,
          .closed_thread = 32,
          .this_thread = 33,
          .allocation_bytes = 640,
          .site = reinterpret_cast<void const*>(0x5500cafe),
          .offset = 24,
          .holder = "the_cache",
          .holder_bytes = 96,
          .holder_address = reinterpret_cast<void const*>(0x5600f00d),
          .suspect = true};
}

// ---- text

TEST(EscapeReport, TheTextSaysEverythingThatIsKnownInOneLineAndTheWayOutInAnother) {
  EXPECT_EQ(text_of(full_report()),
            "MF-E12: a result on its way into a future points into the request's memory: address=0x7f00deadbeef, "
            "scope=17.42, route=\"orders\", opened_ns=1001, opened_ago_ns=2032, opened_thread=31, "
            "closed_ns=2002, closed_ago_ns=1031, closed_thread=32, this_thread=33, allocation_bytes=640, "
            "site=0x5500cafe, offset=24, holder=\"the_cache\", holder_bytes=96, "
            "holder_address=0x5600f00d, suspect=true\n"
            "        way out: return detach(value)\n");
}

TEST(EscapeReport, TheTextLeavesOutWhatIsNotKnown) {
  EXPECT_EQ(text_of({.rule = escape_rule::late_allocate}),
            "MF-E22: memory is asked of a scope that is gone\n"
            "        way out: end the container before its request, or detach() it\n");
}

TEST(EscapeReport, AnOffsetOfZeroIsKnownWhereAValueWasLookedThrough) {
  EXPECT_THAT(text_of({.rule = escape_rule::value_sent}), HasSubstr("offset=0"));
  int holder = 0;
  EXPECT_THAT(text_of({.rule = escape_rule::held_by_heap_block, .holder_address = &holder}), HasSubstr("offset=0"));
  EXPECT_THAT(text_of({.rule = escape_rule::late_access}), Not(HasSubstr("offset")));
}

TEST(EscapeReport, ATextThatDoesNotFitIsCutAtTheLastByte) {
  std::string const whole = text_of(full_report());
  std::vector<char> room(whole.size() + 1, '#');
  for (std::size_t const size : {std::size_t{0}, std::size_t{1}, whole.size() - 1, whole.size()}) {
    std::fill(room.begin(), room.end(), '#');
    EXPECT_EQ(format_text(full_report(), std::span{room}.first(size)), size);
    EXPECT_EQ((std::string_view{room.data(), size}), std::string_view{whole}.substr(0, size));
    EXPECT_EQ(room[size], '#') << "written beyond " << size;
  }
}

// ---- JSON

TEST(EscapeReport, TheJsonHasTheSameFieldsUnderTheSameNames) {
  auto const json = boost::json::parse(json_text_of(full_report())).as_object();
  EXPECT_EQ(json.at("rule").as_string(), "MF-E12");
  EXPECT_EQ(json.at("title").as_string(), std::string{title(escape_rule::result_sent)});
  EXPECT_EQ(json.at("address").as_string(), "0x7f00deadbeef");
  EXPECT_EQ(json.at("scope").as_string(), "17.42");
  EXPECT_EQ(json.at("route").as_string(), "orders");
  EXPECT_EQ(json.at("opened_ns").as_int64(), 1'001);
  EXPECT_EQ(json.at("opened_ago_ns").as_int64(), 2'032);
  EXPECT_EQ(json.at("closed_ago_ns").as_int64(), 1'031);
  EXPECT_EQ(json.at("opened_thread").as_int64(), 31);
  EXPECT_EQ(json.at("closed_ns").as_int64(), 2'002);
  EXPECT_EQ(json.at("closed_thread").as_int64(), 32);
  EXPECT_EQ(json.at("this_thread").as_int64(), 33);
  EXPECT_EQ(json.at("allocation_bytes").as_int64(), 640);
  EXPECT_EQ(json.at("site").as_string(), "0x5500cafe");
  EXPECT_EQ(json.at("offset").as_int64(), 24);
  EXPECT_EQ(json.at("holder").as_string(), "the_cache");
  EXPECT_EQ(json.at("holder_bytes").as_int64(), 96);
  EXPECT_EQ(json.at("holder_address").as_string(), "0x5600f00d");
  EXPECT_TRUE(json.at("suspect").as_bool());
  EXPECT_EQ(json.at("remedy").as_string(), std::string{remedy(escape_rule::result_sent)});
}

TEST(EscapeReport, TheJsonHasEveryFieldAlsoWhereNothingIsKnown) {
  auto const full = boost::json::parse(json_text_of(full_report())).as_object();
  auto const empty = boost::json::parse(json_text_of({.rule = escape_rule::late_access})).as_object();
  ASSERT_EQ(empty.size(), full.size());
  for (auto const& [name, value] : full) {
    ASSERT_TRUE(empty.contains(name)) << name;
    bool const always = name == "rule" || name == "title" || name == "remedy" || name == "suspect";
    EXPECT_EQ(empty.at(name).is_null(), !always) << name;
  }
}

TEST(EscapeReport, NamesWithAnyBytesStayOneLineAndValidJson) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every.push_back(static_cast<char>(byte));
  escape_report report = full_report();
  report.route = every;
  auto const json = boost::json::parse(json_text_of(report)).as_object();
  EXPECT_THAT(std::string_view{json.at("route").as_string()}, StartsWith(std::string_view{"\0\1\2", 3}));
  EXPECT_EQ(json_text_of(report).find('\n'), std::string::npos);
  std::string const text = text_of(report);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(EscapeReport, EveryReportFitsInTheRoomThatIsSaidToSuffice) {
  std::string const endless(100'000, '\xff');
  escape_report report = full_report();
  report.route = endless;
  report.holder = endless;
  report.address = report.site = report.holder_address = reinterpret_cast<void const*>(~std::uintptr_t{0});
  report.scope = scope_id{0xffffff, scope_id::largest_generation};
  report.opened = report.closed = scope_clock::time_point::max();
  report.opened_thread = report.closed_thread = report.this_thread = -1;
  report.allocation_bytes = report.offset = report.holder_bytes = ~std::size_t{0};
  for (unsigned number = 0; number < 256; ++number) {
    report.rule = escape_rule{static_cast<std::uint8_t>(number)};
    EXPECT_NE(json_text_of(report), "") << number;
    EXPECT_LT(text_of(report).size(), longest_escape_report);
  }
}

TEST(EscapeReport, JsonThatDoesNotFitIsNotWritten) {
  std::string const whole = json_text_of(full_report());
  std::vector<char> room(whole.size());
  EXPECT_EQ(format_json(full_report(), std::span{room}.first(whole.size() - 1)), 0U);
  EXPECT_EQ(format_json(full_report(), room), whole.size());
}

// ---- who hears

struct heard {
  std::atomic<int> count{0};
  escape_rule rule{};
  std::int32_t this_thread = 0;

  static void hear(escape_report const& report, void* user) noexcept {
    auto& mine = *static_cast<heard*>(user);
    mine.count.fetch_add(1, std::memory_order_relaxed);
    mine.rule = report.rule;
    mine.this_thread = report.this_thread;
  }
};

/// The default again at the end.
struct chosen_handler {
  chosen_handler(heard& by, handler_safety safety = handler_safety::ordinary) {
    set_escape_handler(&heard::hear, &by, safety);
  }
  ~chosen_handler() { set_escape_handler(nullptr, nullptr); }
  chosen_handler(chosen_handler const&) = delete;
  chosen_handler& operator=(chosen_handler const&) = delete;
};

TEST(EscapeHandler, HearsOfAReportWithTheThreadThatMadeIt) {
  heard ears;
  chosen_handler const chosen{ears};
  report_escape({.rule = escape_rule::late_deallocate});
  EXPECT_EQ(ears.count, 1);
  EXPECT_EQ(ears.rule, escape_rule::late_deallocate);
  EXPECT_EQ(ears.this_thread, gettid());
}

TEST(EscapeHandler, ReportsAreCountedByRule) {
  heard ears;
  chosen_handler const chosen{ears};
  std::uint64_t const all = escape_reports();
  std::uint64_t const late = escape_reports(escape_rule::late_allocate);
  report_escape({.rule = escape_rule::late_allocate});
  report_escape({.rule = escape_rule::held_by_heap_block});
  EXPECT_EQ(escape_reports(), all + 2);
  EXPECT_EQ(escape_reports(escape_rule::late_allocate), late + 1);
  EXPECT_EQ(escape_reports(escape_rule{200}), 0U);
}

TEST(EscapeHandler, WithoutOneTheTextGoesToStandardError) {
  testing::internal::CaptureStderr();
  report_escape(full_report());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), text_of(full_report()));
}

TEST(EscapeHandler, AReportFromASignalHandlerGoesToItOnlyWhereItSaidThatThatIsSafe) {
  heard ears;
  {
    chosen_handler const chosen{ears};
    testing::internal::CaptureStderr();
    report_escape_in_signal(full_report());
    EXPECT_EQ(testing::internal::GetCapturedStderr(), text_of(full_report()));
    EXPECT_EQ(ears.count, 0);
  }
  chosen_handler const chosen{ears, handler_safety::signal_safe};
  report_escape_in_signal(full_report());
  EXPECT_EQ(ears.count, 1);
}

/// Plain data written before the choice is read by whoever reports: the race detector judges the edge.
TEST(EscapeHandler, WhoReportsSeesWhatWasWrittenBeforeTheHandlerWasChosen) {
  struct plain {
    int value = 0;
    std::atomic<int> wrong{0};
  };
  static std::vector<std::unique_ptr<plain>> all;  // reachable to the end: see set_escape_handler()
  std::atomic<bool> done{false};
  auto const hear = [](escape_report const&, void* user) noexcept {
    auto& mine = *static_cast<plain*>(user);
    if (mine.value != 7) mine.wrong.fetch_add(1, std::memory_order_relaxed);
  };
  all.push_back(std::make_unique<plain>());
  all.back()->value = 7;
  set_escape_handler(hear, all.back().get());
  std::thread reporter{[&done] {
    while (!done.load(std::memory_order_relaxed)) report_escape({.rule = escape_rule::late_access});
  }};
  for (int i = 0; i < 200; ++i) {
    auto made = std::make_unique<plain>();
    made->value = 7;
    plain* const user = made.get();
    all.push_back(std::move(made));
    set_escape_handler(hear, user);
  }
  done.store(true, std::memory_order_relaxed);
  reporter.join();
  set_escape_handler(nullptr, nullptr);
  for (auto const& each : all) EXPECT_EQ(each->wrong, 0);
}

}  // namespace
}  // namespace mayfly
