// What a run does with requests that cannot be started yet, or are not: room, deadlines, an early end.

#include "pipeline_support.hpp"
#include <mayfly/service/report.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace mayfly::service {
namespace {

using namespace std::chrono_literals;
using test::engine_kind;
using test::run_file;
using test::scratch_folder;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Run, APageBudgetOfThreePagesEndsTheRunWithALineForEachRequest) {
  scratch_folder const folder;
  std::string content;
  for (int i = 0; i < 300; ++i) content += "{\"a\":" + std::to_string(i) + "}\n";
  std::string const in = folder.write("in", content);
  // Which requests find a page is a matter of timing.
  for (std::size_t again = 0; again < 20; ++again) {
    engine_options options;
    options.page_budget_bytes = 48 << 10;
    options.workers = again % 2 + 1;
    auto const result = run_file(in, {}, engine_kind::pool_arena, options);
    EXPECT_EQ(test::lines_of(result.answers).size(), 300U);
    EXPECT_LT(result.summary.totals.failed(), 300U);
    EXPECT_EQ(result.summary.totals.failed(),
              result.summary.totals.by_failure[static_cast<std::size_t>(failure::over_budget)]);
  }
}

/// Starts what a test says.
class scripted_engine final : public engine {
 public:
  explicit scripted_engine(std::function<answer(work_item&)> script) : script_(std::move(script)) {}
  answer try_start(work_item& item) override { return script_(item); }
  std::size_t workers() const override { return 0; }
  std::optional<page_pool_stats> pages() const override { return std::nullopt; }

 private:
  std::function<answer(work_item&)> script_;
};

TEST(Run, AnswersAreWrittenWhenTheRequestBehindThemWaitsForWhatTheyHold) {
  scratch_folder const folder;
  input_blocks blocks;
  auto const source = open_source(folder.write("in", "1\n2\n3\n4\n"), blocks, {});
  answer_file file((folder / "out").string());
  run_plan plan;
  plan.source = source.get();
  plan.blocks = &blocks;
  plan.output = &file;
  std::vector<work_item*> items;
  plan.make_engine = [&](answer_window& window) {
    return std::make_unique<scripted_engine>([&](work_item& item) {
      auto const answer = [&](work_item& one) {
        one.answer.append(std::to_string(one.number) + "\n");
        window.finish(one);
      };
      if (item.number < 4) {
        items.push_back(&item);
        return engine::answer::started;
      }
      for (auto* before : std::exchange(items, {})) answer(*before);
      if (window.written() != 3) return engine::answer::busy;
      answer(item);
      return engine::answer::started;
    });
  };
  EXPECT_EQ(run(plan).totals.requests, 4U);
  EXPECT_EQ(test::read_file(folder / "out"), "1\n2\n3\n4\n");
}

TEST(Run, AnswersBehindARequestThatTakesLongLeaveTheirArenas) {
  constexpr std::size_t requests = 40;
  constexpr std::size_t stay = 16;
  scratch_folder const folder;
  handler_settings const handlers;
  std::string expected = "first\n";
  std::string const filler(40'000, 'x');  // some pages for its tree, one for its answer
  std::vector<std::string> texts(requests);
  for (std::size_t i = 1; i < requests; ++i) {
    texts[i] = "{\"a\":[" + std::to_string(i) + ",\"" + filler + "\"]}";
    expected += texts[i] + "\n";
  }
  {
    answer_file file((folder / "out").string());
    answer_window window(64, 1, file);
    engine_options options;
    options.workers = 1;
    auto const engine = make_pool_engine(options, handlers, window);
    std::vector<work_item*> items;
    for (std::size_t i = 0; i < requests; ++i) {
      work_item& item = window.vacant();
      item.number = i + 1;
      item.request.text = texts[i];
      window.begin(item);
      EXPECT_EQ(window.waits_for(item), i);
      if (i != 0) {
        EXPECT_EQ(engine->try_start(item), engine::answer::started);
      }
      items.push_back(&item);
    }
    for (std::size_t i = 1; i < requests; ++i) {
      while (items[i]->state.load() != work_item::phase::answered) std::this_thread::yield();
      EXPECT_EQ(static_cast<bool>(items[i]->hold), i <= stay) << i;
      EXPECT_EQ(items[i]->copy.has_value(), i > stay) << i;
    }
    items[0]->answer.append("first\n");
    window.finish(*items[0]);
    window.wait_until_empty();
    for (auto const* item : items) EXPECT_FALSE(item->hold || item->copy);
  }
  EXPECT_EQ(test::read_file(folder / "out"), expected);
}

TEST(Run, ARequestThatWaitsForRoomIsGivenUpWhenTheRunIsStopped) {
  scratch_folder const folder;
  std::atomic<bool> stop{false};
  input_blocks blocks;
  auto const source = open_source(folder.write("in", "1\n2\n3\n"), blocks, {});
  answer_file file((folder / "out").string());
  run_plan plan;
  plan.source = source.get();
  plan.blocks = &blocks;
  plan.output = &file;
  plan.stop = &stop;
  int asked = 0;
  plan.make_engine = [&](answer_window&) {
    return std::make_unique<scripted_engine>([&](work_item&) {
      stop.store(++asked == 10, std::memory_order_relaxed);
      return engine::answer::busy;
    });
  };
  auto const summary = run(plan);
  EXPECT_EQ(asked, 10);
  EXPECT_TRUE(summary.stopped);
  EXPECT_EQ(summary.totals.by_failure[static_cast<std::size_t>(failure::cancelled)], 1U);
  EXPECT_EQ(test::read_file(folder / "out"),
            "{\"request\":1,\"error\":\"the run was ended before there was memory for it\",\"at\":0}\n");
}

TEST(Run, ARequestThatWaitsForRoomIsGivenUpWhenTheOutputFails) {
  scratch_folder const folder;
  input_blocks blocks;
  auto const source = open_source(folder.write("in", "1\n2\n3\n"), blocks, {});
  answer_file file("/dev/full");
  run_plan plan;
  plan.source = source.get();
  plan.blocks = &blocks;
  plan.output = &file;
  int asked = 0;
  work_item* first = nullptr;
  plan.make_engine = [&](answer_window& window) {
    return std::make_unique<scripted_engine>([&](work_item& item) {
      if (++asked == 1) first = &item;
      if (asked == 10) {  // the first one's answer meets the full disk while the second waits
        first->answer.append("x\n");
        window.finish(*first);
      }
      return asked == 1 ? engine::answer::started : engine::answer::busy;
    });
  };
  auto const summary = run(plan);
  EXPECT_EQ(asked, 10);
  EXPECT_EQ(summary.output_error, "cannot write to /dev/full: No space left on device");
}

/// One request holds the only page, and another waits for it until its deadline. False: the machine was so busy that
/// the one had passed its deadline before it held the page, or the other before it was seen to wait.
bool waits_until_its_deadline(std::chrono::nanoseconds deadline) {
  using std::chrono::steady_clock;
  scratch_folder const folder;
  answer_file file((folder / "out").string());
  answer_window window(8, 1, file);
  handler_settings const handlers;
  engine_options options;
  options.workers = 1;
  options.page_budget_bytes = 16 << 10;  // one page
  options.deadline = deadline;
  auto const runs = make_pool_engine(options, handlers, window);
  auto const begin = [&](std::string_view text) -> work_item& {
    work_item& item = window.vacant();
    item.request.text = text;
    window.begin(item);
    return item;
  };
  work_item& front = begin("0");  // not even started, so that nothing behind it can be written
  work_item& holds = begin("[1]");
  EXPECT_EQ(runs->try_start(holds), engine::answer::started);
  while (holds.state.load(std::memory_order_acquire) != work_item::phase::answered) std::this_thread::yield();
  bool const held = holds.error.kind() == failure::none;

  auto const since = steady_clock::now();
  work_item& waits = begin("[2]");
  auto answer = runs->try_start(waits);
  bool const waited = answer == engine::answer::busy;
  // Were the deadline to begin anew, it would never pass.
  while (answer == engine::answer::busy && steady_clock::now() - since < 1min + 20 * deadline) {
    std::this_thread::yield();
    answer = runs->try_start(waits);
  }
  auto const took = steady_clock::now() - since;
  EXPECT_EQ(answer, engine::answer::started);
  if (answer == engine::answer::busy) window.finish(waits);
  if (held && waited) {
    EXPECT_EQ(waits.error.kind(), failure::expired);
    EXPECT_GE(took, deadline - deadline / 100);
  }
  window.finish(front);
  window.wait_until_empty();
  return held && waited;
}

TEST(Run, ADeadlineDoesNotBeginAnewWhileARequestWaitsForRoom) {
  for (auto deadline = 100ms; !waits_until_its_deadline(deadline) && !HasFailure(); deadline *= 2) {
  }
}

TEST(Run, OnlyRequestsThatWereRunToTheirEndHaveALatency) {
  scratch_folder const folder;
  std::string const in = folder.write("in", "1\n{\n" + std::string(100, '7') + "\n[2]\n");
  source_options reading;
  reading.max_request_bytes = 50;
  auto const some = run_file(in, {}, engine_kind::pool_arena, {}, 1, reading).summary.totals;
  EXPECT_EQ(some.requests, 4U);
  EXPECT_EQ(some.latency.count(), 3U);

  engine_options options;
  options.deadline = std::chrono::nanoseconds(1);
  auto const none = run_file(in, {}, engine_kind::pool_arena, options, 1, reading).summary.totals;
  EXPECT_EQ(none.failed(), 4U);
  EXPECT_TRUE(none.latency.empty());
}

TEST(Run, APassThatWasCutShortIsNoPass) {
  scratch_folder const folder;
  std::atomic<bool> stop{false};
  input_blocks blocks;
  auto const source = repeat_source(open_source(folder.write("in", "1\n2\n3\n"), blocks, {}), 100);
  answer_file file((folder / "out").string());
  run_plan plan;
  plan.source = source.get();
  plan.blocks = &blocks;
  plan.output = &file;
  plan.stop = &stop;
  plan.passes = 100;
  plan.requests_per_pass = 3;
  int started = 0;
  plan.make_engine = [&](answer_window& window) {
    return std::make_unique<scripted_engine>([&](work_item& item) {
      stop.store(++started == 13, std::memory_order_relaxed);
      window.finish(item);
      return engine::answer::started;
    });
  };
  auto const summary = run(plan);
  EXPECT_TRUE(summary.stopped);
  EXPECT_EQ(summary.totals.requests, 13U);
  EXPECT_EQ(summary.whole_passes, 4U);
  EXPECT_EQ(summary.passes.size(), 4U);
  EXPECT_TRUE(summary.cut_pass);
  EXPECT_FALSE(summary.of_median_pass());
  run_options options;
  options.handler = "echo";
  options.repeat = 100;
  std::string const table = summary_table(options, summary);
  EXPECT_THAT(table, HasSubstr("13 in 4 passes and a part"));
  EXPECT_THAT(table, Not(HasSubstr("median")));
}

}  // namespace
}  // namespace mayfly::service
