#include "pipeline_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <utility>

namespace mayfly::service {
namespace {

using test::engine_kind;
using test::run_file;
using test::scratch_folder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// One of each kind of handler, set up to have something to do on the documents of the test data.
std::vector<handler_settings> all_handlers() {
  std::vector<handler_settings> all(4);
  all[0].kind = handler_kind::echo;
  all[1].kind = handler_kind::canonicalize;
  all[2].kind = handler_kind::merge_patch;
  all[2].patch = test::parse_patch(R"({"user":{"name":"somebody","id":null,"new":[1.0,{}]},"id":null,"added":-0})");
  all[3].kind = handler_kind::extract;
  for (auto const* pointer : {"/user/screen_name", "/id", "/prices/0/amount", "/payload", "/nothing"}) {
    all[3].pointers.push_back(std::get<json_pointer>(json_pointer::parse(pointer)));
  }
  return all;
}

std::string error_line(std::size_t number, test::reply const& reply) {
  answer_buffer line(std::pmr::new_delete_resource());
  write_error_line(number, {reply.kind, reply.text, reply.at}, "", line);
  return line.str();
}

/// What a single thread says, request by request, with none of the pipeline.
std::string reference(std::vector<std::string> const& requests, handler_settings const& handlers) {
  std::string answers;
  std::size_t number = 0;
  for (auto const& request : requests) {
    auto const reply = test::ask(request, handlers);
    ++number;
    answers += (reply.ok ? reply.text : error_line(number, reply)) + "\n";
  }
  return answers;
}

/// The first lines that differ: whole answers would fill the screen.
std::string first_difference(std::string const& answers, std::string const& expected) {
  auto const got = test::lines_of(answers);
  auto const wanted = test::lines_of(expected);
  for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i) {
    if (got[i] != wanted[i])
      return "line " + std::to_string(i + 1) + ": " + got[i].substr(0, 200) + " instead of " + wanted[i].substr(0, 200);
  }
  return std::to_string(got.size()) + " lines instead of " + std::to_string(wanted.size());
}

void expect_all_engines_agree(std::string const& file, std::vector<std::string> const& requests) {
  for (auto const& handlers : all_handlers()) {
    std::string const expected = reference(requests, handlers);
    for (auto const kind : {engine_kind::inline_heap, engine_kind::pool_heap, engine_kind::pool_arena}) {
      for (std::size_t const workers : {1U, 4U}) {
        engine_options options;
        options.workers = workers;
        options.window = workers == 1 ? 256 : 5;
        auto const result = run_file(file, handlers, kind, options);
        ASSERT_TRUE(result.answers == expected)
            << first_difference(result.answers, expected) << " in " << name_of(handlers.kind) << " on " << file;
        EXPECT_EQ(result.summary.totals.requests, requests.size());
        EXPECT_EQ(result.summary.output_error, "");
      }
    }
  }
}

TEST(Run, AnswersOnRealRequestsAreThoseOfASingleThread) {
  auto const data = test::test_data();
  if (!data) GTEST_SKIP() << "MAYFLY_TEST_DATA is unset: no real requests to run";
  int files = 0;
  for (auto const& entry : std::filesystem::directory_iterator(*data)) {
    if (entry.path().extension() != ".ndjson") continue;
    ++files;
    expect_all_engines_agree(entry.path().string(), test::lines_of(test::read_file(entry.path())));
  }
  EXPECT_GE(files, 3);
}

TEST(Run, AnswersOnMadeUpRequestsAreThoseOfASingleThread) {
  std::uint64_t const seed = std::random_device{}();
  std::mt19937_64 random(seed);
  std::vector<std::string> requests;
  for (int i = 0; i < 3000; ++i) {
    std::string request = R"({"user":{"screen_name":"n)" + std::to_string(random() % 50) + R"(","id":)" +
                          std::to_string(random()) + R"(},"id":1.50,"payload":[)";
    for (auto n = random() % 60; n != 0; --n) request += "\"" + std::string(random() % 90, 'p') + "\",";
    request += "null]}";
    switch (random() % 10) {
      case 0:
        request.resize(random() % request.size() + 1);
        break;  // cut off
      case 1:
        request.insert(1, R"("id":0,)");
        break;  // a repeated name
      default:
        break;
    }
    requests.push_back(request);
  }
  scratch_folder const folder;
  std::string content;
  for (auto const& request : requests) content += request + "\n";
  expect_all_engines_agree(folder.write("in.ndjson", content), requests);
}

TEST(Run, RequestsOverTheirByteBudgetGetAnErrorAndTheOthersAnAnswer) {
  scratch_folder const folder;
  std::string large = "[";
  for (int i = 0; i < 20'000; ++i) large += "\"a string that does not fit into the value itself\",";
  large += "0]";
  std::string const in = folder.write("in", "[1]\n" + large + "\n[2]\n");
  engine_options options;
  options.request_bytes = 256 * 1024;
  auto const result = run_file(in, {}, engine_kind::pool_arena, options);
  auto const lines = test::lines_of(result.answers);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "[1]");
  EXPECT_THAT(lines[1], HasSubstr(R"({"request":2,"error":")"));
  EXPECT_THAT(lines[1], HasSubstr("262144"));
  EXPECT_EQ(lines[2], "[2]");
  EXPECT_EQ(result.summary.totals.by_failure[static_cast<std::size_t>(failure::over_budget)], 1U);
}

/// 2000 requests of 3 KB, and what echo answers.
std::string many_requests() {
  std::string content;
  for (int i = 0; i < 2000; ++i) content += "[\"" + std::string(3000, 'x') + "\"," + std::to_string(i) + "]\n";
  return content;
}

TEST(Run, APageBudgetThatIsEnoughIsKept) {
  scratch_folder const folder;
  std::string const content = many_requests();
  engine_options options;
  options.page_budget_bytes = 32 << 20;
  options.workers = 4;
  auto const result = run_file(folder.write("in", content), {}, engine_kind::pool_arena, options);
  EXPECT_TRUE(result.answers == content);
  EXPECT_LE(result.summary.pages->peak_bytes, std::size_t{32} << 20U);
}

TEST(Run, GuardedRequestsGiveTheSameAnswers) {
  scratch_folder const folder;
  std::string const content = many_requests();
  engine_options options;
  options.workers = 4;
  options.guard_one_in = 1;
  auto const result = run_file(folder.write("in", content), {}, engine_kind::pool_arena, options);
  EXPECT_TRUE(result.answers == content);
}

TEST(Run, APageBudgetThatIsTooSmallCostsAnswersButNotTheRun) {
  scratch_folder const folder;
  engine_options options;
  options.page_budget_bytes = 2 << 20;
  options.workers = 4;
  auto const result = run_file(folder.write("in", many_requests()), {}, engine_kind::pool_arena, options);
  EXPECT_EQ(test::lines_of(result.answers).size(), 2000U);
  EXPECT_EQ(result.summary.totals.failed(),
            result.summary.totals.by_failure[static_cast<std::size_t>(failure::over_budget)]);
  EXPECT_LE(result.summary.pages->peak_bytes, std::size_t{2} << 20U);
}

TEST(Run, RequestsPastTheirDeadlineGetAnError) {
  scratch_folder const folder;
  std::string huge = "[0";
  for (int i = 0; i < 500'000; ++i) huge += ",0.123456789";
  huge += "]";
  engine_options options;
  options.deadline = std::chrono::milliseconds(2);
  options.workers = 2;
  handler_settings handlers;
  handlers.kind = handler_kind::canonicalize;
  auto const result = run_file(folder.write("in", huge + "\n"), handlers, engine_kind::pool_arena, options);
  auto const lines = test::lines_of(result.answers);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr(R"("error":"past its deadline")"));
  EXPECT_EQ(result.summary.totals.by_failure[static_cast<std::size_t>(failure::expired)], 1U);
}

TEST(Run, RefusedRequestsKeepTheirPlaceAndNameTheirFile) {
  scratch_folder const folder;
  folder.write("a.json", "[1]");
  std::filesystem::create_directory(folder / "b.json");
  folder.write("c.json", "{");
  folder.write("d.json", std::string(100, ' ') + "[2]");
  source_options reading;
  reading.max_request_bytes = 50;
  auto const result = run_file(folder.path().string(), {}, engine_kind::pool_arena, {}, 1, reading);
  EXPECT_THAT(test::lines_of(result.answers),
              ElementsAre("[1]", R"({"request":2,"error":"cannot be read: not a file","at":0,"file":"b.json"})",
                          R"({"request":3,"error":"the text ends in the middle of a value","at":1,"file":"c.json"})",
                          R"({"request":4,"error":"larger than 50 bytes, the most a request may have","at":50,)"
                          R"("file":"d.json"})"));
  EXPECT_EQ(result.summary.totals.failed(), 3U);
}

TEST(Run, RepeatedPassesAreCountedAndWrittenOnce) {
  scratch_folder const folder;
  auto const result = run_file(folder.write("in", "1\n2\n{\n"), {}, engine_kind::pool_arena, {}, 50);
  EXPECT_EQ(test::lines_of(result.answers).size(), 3U);
  EXPECT_EQ(result.summary.totals.requests, 150U);
  EXPECT_EQ(result.summary.totals.failed(), 50U);
  EXPECT_EQ(result.summary.whole_passes, 50U);
  EXPECT_EQ(result.summary.passes.size(), 50U);
  EXPECT_FALSE(result.summary.cut_pass);
  EXPECT_TRUE(result.summary.of_median_pass());
  EXPECT_GT(result.summary.requests_per_second(), 0);
}

TEST(Run, PagesComeHomeAndAreUsedAgain) {
  scratch_folder const folder;
  std::string content;
  for (int i = 0; i < 20'000; ++i) content += "{\"a\":[1,2,3],\"b\":\"" + std::string(200, 'x') + "\"}\n";
  auto const result = run_file(folder.write("in", content), {}, engine_kind::pool_arena, {});
  ASSERT_TRUE(result.summary.pages);
  EXPECT_GE(result.summary.totals.memory.pages, 20'000U);
  EXPECT_LT(result.summary.pages->system, 2000U);
  EXPECT_GT(result.summary.pages->magazine + result.summary.pages->depot, 18'000U);
}

/// Asks for the end of the run when it starts a certain request; all else is another engine's.
class stopping_engine final : public engine {
 public:
  stopping_engine(std::unique_ptr<engine> with, std::atomic<bool>& stop, std::size_t at)
      : with_(std::move(with)), stop_(stop), at_(at) {}
  answer try_start(work_item& item) override {
    if (item.number == at_) stop_.store(true, std::memory_order_relaxed);  // relaxed: a flag to be polled
    return with_->try_start(item);
  }
  std::size_t workers() const override { return with_->workers(); }
  std::optional<page_pool_stats> pages() const override { return with_->pages(); }

 private:
  std::unique_ptr<engine> with_;
  std::atomic<bool>& stop_;
  std::size_t at_;
};

TEST(Run, StopsWhenAskedAndAnswersWhatItHasRead) {
  scratch_folder const folder;
  std::string content;
  for (int i = 0; i < 200'000; ++i) content += std::to_string(i) + "\n";
  std::string const in = folder.write("in", content);
  std::atomic<bool> stop{false};
  input_blocks blocks;
  source_options reading;
  reading.stop = &stop;
  auto const source = open_source(in, blocks, reading);
  answer_file file((folder / "out").string());
  handler_settings const handlers;
  run_progress progress;
  run_plan plan;
  plan.source = source.get();
  plan.blocks = &blocks;
  plan.output = &file;
  plan.stop = &stop;
  plan.progress = &progress;
  plan.make_engine = [&](answer_window& window) {
    return std::make_unique<stopping_engine>(make_pool_engine({}, handlers, window), stop, 1000);
  };
  auto const summary = run(plan);
  EXPECT_TRUE(summary.stopped);
  EXPECT_LE(progress.answered.load(), summary.totals.requests);
  auto const lines = test::lines_of(test::read_file(folder / "out"));
  EXPECT_EQ(lines.size(), summary.totals.requests);
  EXPECT_GE(lines.size(), 1000U);
  EXPECT_LT(lines.size(), 200'000U);
  for (std::size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i], std::to_string(i));
}

TEST(Run, AFullDiskEndsTheRunWithAMessage) {
  scratch_folder const folder;
  std::string content;
  for (int i = 0; i < 50'000; ++i) content += std::to_string(i) + "\n";
  input_blocks blocks;
  auto const source = open_source(folder.write("in", content), blocks, {});
  answer_file file("/dev/full");
  handler_settings const handlers;
  run_plan plan;
  plan.source = source.get();
  plan.blocks = &blocks;
  plan.output = &file;
  plan.make_engine = [&](answer_window& window) { return make_pool_engine({}, handlers, window); };
  auto const summary = run(plan);
  EXPECT_EQ(summary.output_error, "cannot write to /dev/full: No space left on device");
  EXPECT_LT(summary.totals.requests, 50'000U);
}

}  // namespace
}  // namespace mayfly::service
