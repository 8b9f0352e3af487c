#include "pipeline_support.hpp"
#include <mayfly/programs/quantities.hpp>
#include <mayfly/service/progress_line.hpp>
#include <mayfly/service/report.hpp>
#include <mayfly/service/run_options.hpp>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mayfly::service {
namespace {

using test::scratch_folder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What the file makes of the options, or the complaint without the folder's name.
std::string complaint(std::string_view toml, run_options& options, std::vector<std::string> const& said = {}) {
  scratch_folder const folder;
  try {
    apply_config(options, folder.write("run.toml", toml), said);
    return "";
  } catch (usage_error const& error) {
    return std::string(error.what()).substr(folder.path().string().size() + 1);
  }
}

std::string complaint(std::string_view toml) {
  run_options options;
  return complaint(toml, options);
}

TEST(Config, CanSayWhatFlagsCan) {
  run_options options;
  EXPECT_EQ(complaint(R"(
    handler = "extract"
    plugin = ["a.so", "b.so"]
    pointer = ["/a", "#/b"]
    patch = "p.json"
    in = "in.ndjson"
    out = "out.ndjson"
    depth = 7
    max-request-bytes = "2KiB"
    request-bytes = 4096
    page-budget = "1GiB"
    deadline = "50ms"
    window = 9
    trim-interval = "250ms"
    record = "run.mft"
    page-sizes = "8KiB,64KiB,256KiB"
    magazines = "4,2,1"
    idle-floor = 0
    idle-cap = "1MiB"
    idle-epochs = 9
    block-cache = 4096
    page-growth = 200
    largest-in-page = "128KiB"
    return-by = "free"
    huge-pages = "always"
    workers = 3
    memory = "heap"
    first-page = "64KiB"
    guard = 1000
    audit = 100
    repeat = 5
    json = true
    quiet = false
    advise = true
    stats = true
    progress = "never"
  )",
                      options),
            "");
  EXPECT_EQ(options.handler, "extract");
  EXPECT_THAT(options.plugins, ElementsAre("a.so", "b.so"));
  EXPECT_THAT(options.pointers, ElementsAre("/a", "#/b"));
  EXPECT_EQ(options.patch, "p.json");
  EXPECT_EQ(options.in, "in.ndjson");
  EXPECT_EQ(options.out, "out.ndjson");
  EXPECT_EQ(options.depth, 7U);
  EXPECT_EQ(options.max_request_bytes, 2048U);
  EXPECT_EQ(options.request_bytes, 4096U);
  EXPECT_EQ(options.of_memory.page_budget_bytes, std::size_t{1} << 30U);
  EXPECT_EQ(options.deadline, std::chrono::milliseconds(50));
  EXPECT_EQ(options.window, 9U);
  EXPECT_EQ(options.of_memory.trim_interval, std::chrono::milliseconds(250));
  EXPECT_EQ(options.record, "run.mft");
  EXPECT_EQ(options.workers, 3U);
  EXPECT_EQ(options.memory, memory_kind::heap);
  EXPECT_FALSE(options.of_memory.adaptive_first_page);
  EXPECT_EQ(options.of_memory.first_page_class, 1U);
  EXPECT_THAT(options.of_memory.page_options.class_bytes, ElementsAre(8192, 65536, 262144));
  EXPECT_THAT(options.of_memory.page_options.magazine_pages, ElementsAre(4, 2, 1));
  EXPECT_EQ(options.of_memory.page_options.idle_floor_bytes, 0U);
  EXPECT_EQ(options.of_memory.page_options.idle_cap_bytes, std::size_t{1} << 20U);
  EXPECT_EQ(options.of_memory.page_options.idle_epochs, 9U);
  EXPECT_EQ(options.of_memory.page_options.block_cache_bytes, 4096U);
  EXPECT_EQ(options.of_memory.page_options.growth_percent, 200U);
  EXPECT_EQ(options.of_memory.page_options.largest_in_page_bytes, std::size_t{128} << 10U);
  EXPECT_EQ(options.of_memory.page_options.return_by, memory_return::free);
  EXPECT_EQ(options.of_memory.page_options.huge_pages, huge_page_use::always);
  EXPECT_EQ(options.guard_one_in, 1000U);
  EXPECT_EQ(options.audit_one_in, 100U);
  EXPECT_EQ(options.repeat, 5U);
  EXPECT_TRUE(options.json);
  EXPECT_FALSE(options.quiet);
  EXPECT_TRUE(options.advise);
  EXPECT_TRUE(options.stats);
  EXPECT_EQ(options.progress, progress_choice::never);
  std::size_t const lines = 35;
  EXPECT_EQ(settings().size(), lines) << "a new setting belongs into this test";
}

TEST(Config, UnknownKeysAreRefusedByNameAndLine) {
  EXPECT_EQ(complaint("depth = 3\n\nworker = 2\n"), "run.toml:3: unknown key 'worker'; did you mean 'workers'?");
  EXPECT_THAT(complaint("colour = 1"),
              HasSubstr("run.toml:1: unknown key 'colour'; known are handler plugin patch pointer"));
  EXPECT_THAT(complaint("[run]\ndepth = 1"), HasSubstr("unknown key 'run'"));
}

TEST(Config, NonsenseIsRefusedByKeyAndLine) {
  EXPECT_EQ(complaint("depth = 0"), "run.toml:1: 'depth': '0' must be a number from 1 to 4096");
  EXPECT_EQ(complaint("\ndepth = 4097"), "run.toml:2: 'depth': '4097' must be a number from 1 to 4096");
  EXPECT_EQ(complaint("depth = [1]"), "run.toml:1: 'depth' must be a string or a number");
  EXPECT_EQ(complaint("json = 1"), "run.toml:1: 'json' must be true or false");
  EXPECT_EQ(complaint("pointer = [true]"), "run.toml:1: 'pointer' must be an array of strings");
  EXPECT_THAT(complaint("pointer = \"a\""), HasSubstr("'a' is no JSON Pointer: at byte 0"));
  EXPECT_THAT(complaint("memory = \"stack\""), HasSubstr("'stack' is neither arena nor heap"));
  EXPECT_EQ(complaint("trim-interval = \"99ms\""),
            "run.toml:1: 'trim-interval': '99ms' must be 0 (never), or a time from 100ms to 60m");
  EXPECT_EQ(complaint("trim-interval = 0"), "");
  EXPECT_EQ(complaint("trim-interval = \"60m\""), "");
  EXPECT_EQ(complaint("guard = -1"), "run.toml:1: 'guard': '-1' must be a number from 0 (none) to 4294967295");
  EXPECT_THAT(complaint("guard = 4294967296"), HasSubstr("'4294967296' must be a number"));
  EXPECT_EQ(complaint("audit = -1"), "run.toml:1: 'audit': '-1' must be a number from 0 (none) to 4294967295");
  EXPECT_EQ(complaint("plugin = \"\""), "run.toml:1: 'plugin': '' names no file");
  EXPECT_EQ(complaint("page-budget = \"16383B\""),
            "run.toml:1: 'page-budget': '16383B' must be 16KiB, the size of a page, at least, or 0 for no limit");
  EXPECT_EQ(complaint("page-budget = \"16KiB\""), "");
  EXPECT_EQ(complaint("page-budget = 0"), "");
  EXPECT_EQ(complaint("first-page = \"64KiB\""), "");
  EXPECT_EQ(complaint("first-page = \"adaptive\""), "");
  EXPECT_EQ(complaint("first-page = \"32KiB\""),
            "run.toml:1: 'first-page': '32KiB' is neither adaptive nor one of the page sizes");
  EXPECT_EQ(complaint("first-page = 32768\npage-sizes = \"8KiB,32KiB,64KiB\""), "") << "whatever comes first";
  EXPECT_EQ(complaint("page-sizes = \"8KiB,32KiB\""),
            "run.toml:1: 'page-sizes': '8KiB,32KiB' must be three sizes, such as 16KiB,64KiB,256KiB");
  EXPECT_THAT(complaint("deadline = 5"), HasSubstr("must be a time"));
  EXPECT_THAT(complaint("window = = 5"), HasSubstr("run.toml:1: "));
}

TEST(Config, GivesWayToFlagsButIsStillChecked) {
  run_options options;
  options.depth = 9;
  EXPECT_EQ(complaint("depth = 3\nworkers = 2", options, {"depth"}), "");
  EXPECT_EQ(options.depth, 9U);
  EXPECT_EQ(options.workers, 2U);
  EXPECT_THAT(complaint("depth = \"x\"", options, {"depth"}), HasSubstr("'depth'"));
}

/// What check() says of options that are echo's but for that change.
template <class Change>
std::string refused(Change const& change) {
  run_options options;
  options.handler = "echo";
  change(options);
  try {
    check(options);
    return "";
  } catch (usage_error const& error) {
    return error.what();
  }
}

TEST(Options, WhatDoesNotGoTogetherIsRefused) {
  EXPECT_EQ(refused([](run_options&) {}), "");
  EXPECT_THAT(refused([](run_options& o) { o.handler = ""; }), HasSubstr("--handler is missing"));
  EXPECT_EQ(
      refused([](run_options& o) { o.handler = "sort"; }),
      "--handler: 'sort' is none of echo canonicalize merge-patch extract; handlers of your own come with --plugin "
      "FILE.so");
  EXPECT_THAT(refused([](run_options& o) { o.handler = "merge-patch"; }), HasSubstr("needs --patch FILE"));
  EXPECT_EQ(refused([](run_options& o) { o.patch = "p"; }),
            "--patch goes with the handler merge-patch only, and --handler says echo");
  EXPECT_THAT(refused([](run_options& o) { o.handler = "extract"; }), HasSubstr("needs --pointer"));
  EXPECT_THAT(refused([](run_options& o) { o.pointers = {""}; }), HasSubstr("--pointer goes with"));
  EXPECT_THAT(refused([](run_options& o) { o.json = true; }), HasSubstr("--out FILE"));
  EXPECT_THAT(refused([](run_options& o) { o.guard_one_in = 1, o.memory = memory_kind::heap; }),
              HasSubstr("--guard goes with"));
  EXPECT_THAT(refused([](run_options& o) { o.audit_one_in = 1, o.memory = memory_kind::heap; }),
              HasSubstr("--audit goes with"));
  EXPECT_THAT(refused([](run_options& o) { o.repeat = 2; }), HasSubstr("can be read only once"));
  EXPECT_THAT(refused([](run_options& o) { o.plugins = {"a.so"}; }), HasSubstr("leave out one of the two"));
  EXPECT_EQ(refused([](run_options& o) { o.plugins = {"a.so"}, o.handler = "sort"; }), "");
  EXPECT_EQ(refused([](run_options& o) { o.plugins = {"a.so"}, o.handler = ""; }), "") << "said when they are loaded";
}

TEST(Options, ComplaintsNameTheLineOfTheFileWhereItIsTheFileThatSaysIt) {
  auto const refused_of = [](std::string_view toml, std::string const& handler_flag) {
    return refused([&](run_options& o) {
      o.handler = handler_flag;
      std::vector<std::string> said;
      if (!handler_flag.empty()) said.emplace_back("handler");
      scratch_folder const folder;
      apply_config(o, folder.write("run.toml", toml), said);
      for (auto& [name, where] : o.said_by_config) where = where.substr(folder.path().string().size() + 1);
    });
  };
  EXPECT_EQ(refused_of("handler = \"merge-patch\"\npatch = \"p\"", "echo"),
            "'patch' (run.toml:2) goes with the handler merge-patch only, and --handler says echo");
  EXPECT_EQ(refused_of("handler = \"echo\"\npointer = \"/a\"", ""),
            "'pointer' (run.toml:2) goes with the handler extract only, and 'handler' (run.toml:1) says echo");
  EXPECT_EQ(refused_of("\nhandler = \"extract\"", ""),
            "'handler' (run.toml:2) says extract, which needs --pointer POINTER, as /user/name");
  EXPECT_THAT(refused_of("\nhandler = \"sort\"", ""), HasSubstr("'handler' (run.toml:2): 'sort' is none of echo"));
  EXPECT_THAT(refused_of("json = true", "echo"), HasSubstr("'json' (run.toml:1) and the answers cannot both go"));
  EXPECT_EQ(
      refused_of("guard = 1\nmemory = \"heap\"", "echo"),
      "'guard' (run.toml:1) goes with arenas only, and 'memory' (run.toml:2) says heap: there is nothing to guard "
      "on the heap");
  EXPECT_THAT(refused_of("repeat = 2", "echo"), HasSubstr("'repeat' (run.toml:1) needs --in PATH"));
}

TEST(Quantities, AreReadWithTheirUnits) {
  EXPECT_EQ(programs::parse_bytes("0"), 0U);
  EXPECT_EQ(programs::parse_bytes("17B"), 17U);
  EXPECT_EQ(programs::parse_bytes("64KiB"), 65536U);
  EXPECT_EQ(programs::parse_bytes("17179869183GiB"), 17179869183U << 30U);
  for (auto const* bad : {"", "KiB", "1 KiB", "1kb", "-1", "1.5MiB", "17179869184GiB", "99999999999999999999"}) {
    EXPECT_EQ(programs::parse_bytes(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(programs::parse_duration("200us"), std::chrono::microseconds(200));
  EXPECT_EQ(programs::parse_duration("2s"), std::chrono::seconds(2));
  EXPECT_EQ(programs::parse_duration("1m"), std::chrono::minutes(1));
  for (auto const* bad : {"", "5", "0ms", "-1s", "1h", "10000000000s"})
    EXPECT_EQ(programs::parse_duration(bad), std::nullopt) << bad;
}

TEST(Quantities, AreWrittenForPeople) {
  EXPECT_EQ(programs::with_commas(0), "0");
  EXPECT_EQ(programs::with_commas(999), "999");
  EXPECT_EQ(programs::with_commas(1000), "1,000");
  EXPECT_EQ(programs::with_commas(12345678), "12,345,678");
  EXPECT_EQ(programs::readable_bytes(812), "812 B");
  EXPECT_EQ(programs::readable_bytes(4710.4), "4.6 KiB");
  EXPECT_EQ(programs::readable_time(std::chrono::nanoseconds(850)), "850 ns");
  EXPECT_EQ(programs::readable_time(std::chrono::nanoseconds(12'345)), "12.3 us");
  EXPECT_EQ(programs::readable_time(std::chrono::milliseconds(1200)), "1.20 s");
}

TEST(Progress, ShowsRateAndTimeLeftWhereTheEndIsKnown) {
  using std::chrono::seconds;
  EXPECT_EQ(progress_text(25, 100, 5000, 0, seconds(5), 80),
            "[#######.......................]  25% 5,000 requests, 1,000/s, 0:15 left");
  EXPECT_EQ(progress_text(0, std::nullopt, 5000, 3, seconds(5), 80), "5,000 requests, 1,000/s, 3 failed");
  EXPECT_LT(progress_text(25, 100, 5'000'000'000, 77, seconds(5), 30).size(), 30U);
  EXPECT_EQ(progress_text(0, 0, 0, 0, seconds(0), 80), "0 requests, 0/s");
}

TEST(Report, JsonHasItsKeysAndIsJson) {
  scratch_folder const folder;
  run_options options;
  options.handler = "canonicalize";
  handler_settings handlers;
  handlers.kind = handler_kind::canonicalize;
  auto const result =
      test::run_file(folder.write("in", "[1]\n[2\n{\"b\":1,\"a\":2}\n"), handlers, test::engine_kind::pool_arena);
  auto const summary = boost::json::parse(summary_json(options, result.summary)).as_object();
  EXPECT_EQ(summary.at("requests").as_int64(), 3);
  EXPECT_EQ(summary.at("failed").as_int64(), 1);
  EXPECT_EQ(summary.at("failures").at("bad_json").as_int64(), 1);
  EXPECT_GT(summary.at("requests_per_second").to_number<double>(), 0);
  EXPECT_TRUE(summary.at("mallocs_per_request").is_null());
  for (auto const* key : {"p50", "p99", "p999", "max"}) {
    EXPECT_GT(summary.at("latency_us").at(key).to_number<double>(), 0) << key;
  }
  EXPECT_GT(summary.at("pages").at("per_request").to_number<double>(), 0);
  EXPECT_EQ(summary.at("bytes_in").as_int64(), 3 + 2 + 13);
  std::string const table = summary_table(options, result.summary);
  for (auto const* word : {"canonicalize", "requests/s", "p99.9", "1 bad_json", "magazine", "page faults"}) {
    EXPECT_THAT(table, HasSubstr(word));
  }
}

}  // namespace
}  // namespace mayfly::service
