#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/scope_hold.hpp>
#include <mayfly/task_group.hpp>
#include <mayfly/trace/recorder.hpp>
#include <mayfly/trace/trace.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <csignal>
#include <future>
#include <latch>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <sys/resource.h>

namespace mayfly::trace {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr int requests = 500;

std::vector<std::size_t> sizes_of(arena_life const& life) {
  std::vector<std::size_t> sizes;
  operation_reader reader{life.operations};
  for (operation next{}; reader.next(next);) {
    if (next.kind == operation_kind::allocate || next.kind == operation_kind::allocate_block)
      sizes.push_back(next.bytes);
  }
  return sizes;
}

class counting_observer final : public executor_observer {
 public:
  void on_open(scope_id /*id*/, std::string_view /*route*/) noexcept override { ++opened; }
  void on_close(scope_id /*id*/, std::string_view /*route*/, outcome_kind /*kind*/) noexcept override { ++closed; }
  void on_refused(std::string_view /*route*/, admission_reason /*reason*/) noexcept override { ++refused; }
  std::atomic<int> opened{0};
  std::atomic<int> closed{0};
  std::atomic<int> refused{0};
};

TEST(Recorder, WritesDownEveryRequestAndEachOfItsAllocations) {
  test::temporary_file const file{"every"};
  counting_observer counting;
  recorder recording{file.path(), {.settings = test::some_settings(), .observer = &counting}};
  {
    executor pool{{.workers = 2, .page_options = {.recorder = &recording}, .observer = &recording}};
    std::vector<std::future<void>> all;
    for (std::size_t i = 0; i < requests; ++i) {
      all.push_back(pool.submit("sizes", [i](request_context& request) {
        for (std::size_t n = 1; n <= i % 50; ++n) static_cast<void>(request.arena().allocate(i * n));
      }));
    }
    all.push_back(pool.submit("fails", [](request_context&) { throw 42; }));
    for (auto& each : all) each.wait();
  }
  recording_report const report = recording.finish();
  EXPECT_EQ(report.error, "");
  EXPECT_EQ(report.file_bytes, std::filesystem::file_size(file.path()));
  EXPECT_EQ(counting.opened, requests + 1);
  EXPECT_EQ(counting.closed, requests + 1);

  trace const read = trace::read(file.path());
  EXPECT_EQ(read.counted(), report.counted);
  EXPECT_EQ(read.counted().dropped_arenas + read.counted().dropped_requests, 0U);
  EXPECT_EQ(read.requests().size(), static_cast<std::size_t>(requests + 1));
  EXPECT_THAT(read.routes(), UnorderedElementsAre("sizes", "fails"));
  std::map<std::size_t, int> lives;  // by the number of allocations
  for (arena_life const& life : read.arenas()) {
    std::vector<std::size_t> const sizes = sizes_of(life);
    ASSERT_FALSE(sizes.empty());
    ++lives[sizes.size()];
    for (std::size_t n = 1; n < sizes.size(); ++n) ASSERT_EQ(sizes[n], sizes[0] * (n + 1));
    EXPECT_LE(life.opened_ns, life.closed_ns);
  }
  for (std::size_t n = 1; n < 50; ++n) EXPECT_EQ(lives[n], requests / 50) << n;
  for (request const& each : read.requests()) {
    bool const failed = read.routes()[each.route] == "fails";
    EXPECT_EQ(each.outcome == static_cast<std::uint8_t>(outcome_kind::exception), failed);
    EXPECT_LE(each.opened_ns, each.closed_ns);
  }
}

TEST(Recorder, LanesAndHeldScopesAreArenasOfTheirRequests) {
  test::temporary_file const file{"lanes"};
  recorder recording{file.path(), {.settings = test::some_settings()}};
  {
    executor pool{{.workers = 4, .page_options = {.recorder = &recording}, .observer = &recording}};
    std::promise<scope_hold> keep;
    auto const admitted = pool.try_submit(
        {.route = "held"},
        [](request_context& request) {
          static_cast<void>(request.arena().allocate(10));
          std::atomic<int> running{0};
          task_group group{request};
          for (int i = 0; i < 64; ++i) {
            group.run([&] {
              ++running;
              static_cast<void>(request.arena().allocate(100));
              std::this_thread::sleep_for(std::chrono::milliseconds{1});
            });
          }
          group.wait();
        },
        [&](outcome<void> const&, request_context& request) { keep.set_value(request.hold()); });
    ASSERT_TRUE(admitted);
    scope_hold hold = keep.get_future().get();
    std::thread{[&] { hold.release(); }}.join();
  }
  static_cast<void>(recording.finish());
  trace const read = trace::read(file.path());
  ASSERT_EQ(read.requests().size(), 1U);
  std::uint64_t tasks = 0;
  for (arena_life const& life : read.arenas()) {
    EXPECT_EQ(life.request, read.requests()[0].id);
    for (std::size_t const bytes : sizes_of(life)) tasks += bytes == 100 ? 1 : 0;
    EXPECT_GE(life.closed_ns, read.requests()[0].closed_ns) << "the hold kept it";
  }
  EXPECT_EQ(tasks, 64U);
  EXPECT_GT(read.arenas().size(), 1U) << "each thread that took tasks has its lane";
}

TEST(Recorder, CountsWhatItHasNoRoomFor) {
  test::temporary_file const file{"room"};
  recorder recording{file.path(), {.settings = test::some_settings(), .most_arenas = 3, .blocks_per_thread = 2}};
  {
    page_pool pages{{.recorder = &recording}};
    std::vector<arena> open;
    for (int i = 0; i < 10; ++i) static_cast<void>(open.emplace_back(pages).allocate(8));
    // 2 blocks of 64 KiB at most, however fast the writing thread is: this takes megabytes in no time
    arena busy{pages};
    open.clear();
    for (int i = 0; i < 2'000'000; ++i) static_cast<void>(busy.allocate(1'000'000'000'000U >> 40U));
  }
  recording_report const report = recording.finish();
  EXPECT_EQ(report.counted.arenas + report.counted.dropped_arenas, 11U);
  EXPECT_GE(report.counted.dropped_arenas, 7U) << "there were three logs";
  trace const read = trace::read(file.path());
  EXPECT_EQ(read.counted(), report.counted) << "what is dropped is said in the trace";
}

/// A thread that has ended leaves a few logs idle, and no more: the others serve whoever comes.
TEST(Recorder, LogsThatThreadsKeepAreAQuarterOfAllAtMost) {
  test::temporary_file const file{"kept"};
  constexpr std::size_t logs = 64;
  recorder recording{file.path(), {.settings = test::some_settings(), .most_arenas = logs}};
  std::uint64_t arenas = 0;
  {
    page_pool pages{{.recorder = &recording}};
    auto const use = [&](std::size_t count) {
      std::vector<arena> open;
      for (std::size_t i = 0; i < count; ++i) static_cast<void>(open.emplace_back(pages).allocate(8));
      arenas += count;
    };
    // All at once, so that each has an index of its own.
    std::latch all_there{8};
    std::mutex one_at_a_time;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        {
          std::scoped_lock const lock{one_at_a_time};
          use(8);
        }
        all_there.arrive_and_wait();
      });
    }
    threads.clear();
    use(logs - logs / 4);
  }
  recording_report const report = recording.finish();
  EXPECT_EQ(report.counted.dropped_arenas, 0U);
  EXPECT_EQ(report.counted.arenas, arenas);
}

/// One thread begins arenas and another ends them, as where answers wait for their turn: logs wander by the dozen, from
/// a desk that has room for many of them to one that has room for few.
TEST(Recorder, LogsThatOneThreadTakesAndAnotherLeavesServeOn) {
  test::temporary_file const file{"wander"};
  constexpr std::size_t rounds = 50;
  constexpr std::size_t at_once = 100;
  recorder recording{file.path(), {.settings = test::some_settings(), .most_arenas = 512}};
  {
    page_pool pages{{.recorder = &recording}};
    auto const come_by = [&](std::uint64_t tag) { static_cast<void>(arena{pages, {.owner_tag = tag}}.allocate(1)); };
    std::vector<arena> open;
    std::barrier turn{2};
    std::latch first{1};
    std::latch others_there{6};
    std::latch done{1};
    std::jthread ends{[&] {
      come_by(0);
      first.count_down();
      for (std::size_t i = 0; i < rounds; ++i) {
        turn.arrive_and_wait();
        open.clear();
        turn.arrive_and_wait();
      }
    }};
    first.wait();
    std::vector<std::jthread> others;
    for (int i = 0; i < 6; ++i) {
      others.emplace_back([&] {
        come_by(0);
        others_there.count_down();
        done.wait();
      });
    }
    others_there.wait();
    for (std::size_t i = 0; i < rounds; ++i) {
      for (std::size_t n = 0; n < at_once; ++n) {
        arena& each = open.emplace_back(pages, arena_options{.owner_tag = i * at_once + n + 1});
        static_cast<void>(each.allocate(i + 1));
        static_cast<void>(each.allocate(n + 1));
      }
      turn.arrive_and_wait();
      turn.arrive_and_wait();
    }
    done.count_down();
  }
  recording_report const report = recording.finish();
  EXPECT_EQ(report.counted.dropped_arenas, 0U);
  trace const read = trace::read(file.path());
  std::map<std::uint64_t, std::vector<std::size_t>> found;
  for (arena_life const& life : read.arenas()) {
    if (life.request == 0) continue;
    EXPECT_TRUE(found.emplace(life.request, sizes_of(life)).second) << life.request;
  }
  ASSERT_EQ(found.size(), rounds * at_once);
  for (auto const& [tag, sizes] : found) {
    EXPECT_EQ(sizes, (std::vector<std::size_t>{(tag - 1) / at_once + 1, (tag - 1) % at_once + 1}));
  }
}

TEST(Recorder, AFullDiskEndsTheRecordingAndNotTheRun) {
  test::temporary_file const file{"full"};
  recording_report report;
  {
    recorder recording{file.path(), {.settings = test::some_settings()}};
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit const tight{.rlim_cur = 100'000, .rlim_max = before.rlim_max};
    auto* const old = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
    {
      page_pool pages{{.recorder = &recording}};
      for (int i = 0; i < 2'000; ++i) {
        arena memory{pages};
        for (int n = 0; n < 500; ++n) static_cast<void>(memory.allocate(100));
      }
    }
    report = recording.finish();
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old);
  }
  EXPECT_THAT(report.error, HasSubstr("File too large"));
  EXPECT_LE(report.file_bytes, 100'000U);
  EXPECT_THROW(static_cast<void>(trace::read(file.path())), trace_error);
}

TEST(Recorder, SaysWhatItCannotBeMadeWith) {
  EXPECT_THROW((recorder{"/there/is/no/such/folder/x", {}}), std::system_error);
  test::temporary_file const file{"options"};
  EXPECT_THROW((recorder{file.path(), {.most_arenas = 0}}), std::invalid_argument);
  EXPECT_THROW((recorder{file.path(), {.blocks_per_thread = 1}}), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly::trace
