// What guard mode and audits make of a run: requests' memory goes where it should, and who holds it is counted.

#include "pipeline_support.hpp"
#include <mayfly/escape_report.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/service/report.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mayfly::service {

/// A service's own memory, in which addresses of requests are left.
std::array<int const*, 64> left_behind{};

namespace {

using test::scratch_folder;
using ::testing::HasSubstr;

/// Its requests leave an address of theirs behind, each at another place: an address that is found again where it was
/// is not told of again.
class careless_engine final : public engine {
 public:
  careless_engine(answer_window& window, std::uint32_t audit_one_in)
      : window_{window}, executor_{{.workers = 1, .audit = {.one_in = audit_one_in}}} {}

  answer try_start(work_item& item) override {
    auto const admitted = executor_.try_submit(
        {.route = "careless"},
        [](request_context& request) {
          static std::size_t places = 0;  // one worker, executors one after the other
          left_behind.at(places++ % left_behind.size()) = request.arena().make<int>(7);
        },
        [this, &item](outcome<void> const&, request_context&) {
          item.answer.append("kept\n");
          window_.finish(item);
        });
    return admitted ? answer::started : answer::busy;
  }
  [[nodiscard]] std::size_t workers() const override { return 1; }
  [[nodiscard]] std::optional<page_pool_stats> pages() const override { return std::nullopt; }

 private:
  answer_window& window_;
  executor executor_;
};

/// Hears of suspects: stale words on the heap are nobody's fault, but they count.
class suspects_heard {
 public:
  suspects_heard() {
    set_escape_handler(
        [](escape_report const& report, void* self) noexcept {
          auto& mine = *static_cast<suspects_heard*>(self);
          if (report.rule == escape_rule::held_by_thread_local) ++mine.thread_locals;
          if (report.rule == escape_rule::held_by_heap_block) ++mine.heap_blocks;
        },
        this);
  }
  ~suspects_heard() { set_escape_handler(nullptr, nullptr); }
  suspects_heard(suspects_heard const&) = delete;
  suspects_heard& operator=(suspects_heard const&) = delete;

  std::atomic<std::uint64_t> thread_locals{0};
  std::atomic<std::uint64_t> heap_blocks{0};
};

/// Runs five careless requests; `audits`: whether the summary is to count.
run_summary run_careless(bool audits) {
  left_behind = {};
  scratch_folder const folder;
  input_blocks blocks;
  auto const source = open_source(folder.write("in", "1\n2\n3\n4\n5\n"), blocks, {});
  answer_file file((folder / "out").string());
  run_plan plan;
  plan.source = source.get();
  plan.blocks = &blocks;
  plan.output = &file;
  plan.audits = audits;
  plan.make_engine = [&](answer_window& window) { return std::make_unique<careless_engine>(window, 1); };
  return run(plan);
}

TEST(RunWithAudits, EachRequestThatAGlobalHoldsIsCountedAndShown) {
  suspects_heard const suspects;
  run_summary const summary = run_careless(true);
  EXPECT_EQ(summary.totals.requests, 5U);
  ASSERT_TRUE(summary.audit);
  EXPECT_EQ(summary.audit->globals, 5U) << "also of the last, which is audited after its answer was written";
  EXPECT_EQ(summary.audit->thread_locals, suspects.thread_locals);
  EXPECT_EQ(summary.audit->heap_blocks, suspects.heap_blocks);

  run_options options;
  options.handler = "echo";
  EXPECT_THAT(summary_json(options, summary), HasSubstr("\"audit\": {\n    \"globals\": 5,\n"));
  EXPECT_THAT(summary_table(options, summary), HasSubstr(" 5 held by globals; suspects: "));
}

TEST(RunWithAudits, OnlyTheReportsOfThisRunAreCounted) {
  suspects_heard const suspects;
  for (auto const rule :
       {escape_rule::held_by_global, escape_rule::held_by_thread_local, escape_rule::held_by_heap_block}) {
    report_escape({.rule = rule});
  }
  EXPECT_EQ(run_careless(true).audit.value().globals, 5U);
  EXPECT_FALSE(run_careless(false).audit);
}

TEST(RunWithAudits, EachKindOfHolderIsShownUnderItsName) {
  run_summary summary;
  summary.audit = audit_reports{.globals = 1'111, .thread_locals = 2'222, .heap_blocks = 3'333};
  run_options options;
  options.handler = "echo";
  EXPECT_THAT(
      summary_json(options, summary),
      HasSubstr("\"audit\": {\n    \"globals\": 1111,\n    \"thread_locals\": 2222,\n    \"heap_blocks\": 3333"));
  EXPECT_THAT(summary_table(options, summary),
              HasSubstr("1,111 held by globals; suspects: 2,222 by thread-locals, 3,333 by heap blocks"));
}

/// An engine like the program's own, whose pages are looked at before it ends.
class watched_engine final : public engine {
 public:
  watched_engine(std::unique_ptr<engine> of, page_pool_stats& last) : of_{std::move(of)}, last_{last} {}
  ~watched_engine() override { last_ = of_->pages().value(); }
  watched_engine(watched_engine const&) = delete;
  watched_engine& operator=(watched_engine const&) = delete;

  answer try_start(work_item& item) override { return of_->try_start(item); }
  [[nodiscard]] std::size_t workers() const override { return of_->workers(); }
  [[nodiscard]] std::optional<page_pool_stats> pages() const override { return of_->pages(); }

 private:
  std::unique_ptr<engine> of_;
  page_pool_stats& last_;
};

/// What a run of a thousand requests leaves in the quarantine, or has had there.
std::uint64_t pages_guarded(std::uint32_t guard_one_in) {
  scratch_folder const folder;
  std::string requests;
  for (int i = 0; i < 1'000; ++i) requests += "[" + std::to_string(i) + "]\n";
  input_blocks blocks;
  auto const source = open_source(folder.write("in", requests), blocks, {});
  answer_file file((folder / "out").string());
  handler_settings const handlers;
  engine_options options;
  options.workers = 1;
  options.guard_one_in = guard_one_in;
  page_pool_stats last;
  run_plan plan;
  plan.source = source.get();
  plan.blocks = &blocks;
  plan.output = &file;
  plan.window = options.window;
  plan.make_engine = [&](answer_window& window) {
    return std::make_unique<watched_engine>(make_pool_engine(options, handlers, window), last);
  };
  EXPECT_EQ(run(plan).totals.requests, 1'000U);
  return last.quarantine.taken;
}

TEST(RunWithGuardMode, AsManyRequestsAreGuardedAsIsAsked) {
  EXPECT_EQ(pages_guarded(0), 0U);
  EXPECT_GE(pages_guarded(1), 700U) << "those in the window may not have ended yet";
  auto const tenth = pages_guarded(10);
  EXPECT_GE(tenth, 20U);
  EXPECT_LE(tenth, 300U);
}

}  // namespace
}  // namespace mayfly::service
