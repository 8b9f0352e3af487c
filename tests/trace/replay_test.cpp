#include "script.hpp"
#include "support.hpp"
#include "thread_sanitizer.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/trace/recorder.hpp>
#include <mayfly/trace/replay.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

namespace mayfly::trace {
namespace {

/// Requests of three routes on some threads, several at a time on each.
trace some_trace(unsigned threads, int requests, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  trace_builder builder{{.program = "a test", .workers = threads, .epoch = std::chrono::seconds{1}}};
  std::vector<std::uint64_t> now(threads, 0);
  for (int i = 0; i < requests; ++i) {
    auto const thread = static_cast<std::uint32_t>(random() % threads);
    std::uint64_t& at = now[thread];
    at += 1'000 + random() % 1'000'000;
    auto const route = random() % 3;
    std::size_t const count = route == 0 ? 5 : route == 1 ? 300 : 1 + random() % 4'000;
    std::uint64_t const length = random() % 4'000'000;
    builder.add_request(route == 0   ? "small"
                        : route == 1 ? "even"
                                     : "tail",
                        {.opened_ns = at, .closed_ns = at + length, .opened_by = thread, .closed_by = thread},
                        test::some_operations(random, count));
  }
  return trace::from_bytes(builder.finish(), "x");
}

bool near(std::uint64_t model, std::uint64_t real) {
  return std::abs(static_cast<double>(model) - static_cast<double>(real)) <=
         std::max(20.0, 0.05 * static_cast<double>(real));
}

void expect_near(std::uint64_t model, std::uint64_t real, char const* what) {
  EXPECT_TRUE(near(model, real)) << what << ": " << model << ", " << real;
}

TEST(Replay, OfOneThreadIsWhatTheSimulationSays) {
  trace const played = some_trace(1, 2'000, 1);
  std::vector<replay_settings> const settings{
      {},
      {.first_class = 2},
      {.pages = {.class_bytes = {8'192, 32'768, 131'072}, .magazine_pages = {1, 1, 1}}},
      {.pages = {.idle_cap_bytes = 0, .idle_floor_bytes = 0, .idle_epochs = 1, .block_cache_bytes = 0},
       .epoch = std::chrono::milliseconds{100}},
  };
  for (std::size_t i = 0; i < settings.size(); ++i) {
    simulation const model = simulate(played, settings[i]);
    replay_report const real = replay(played, settings[i], pace::full_speed);
    EXPECT_TRUE(model.memory == real.memory) << "settings " << i;
    EXPECT_EQ(model.memory.arenas, played.arenas().size());
    EXPECT_EQ(model.memory.allocations, played.counted().allocations);
    EXPECT_EQ(model.memory.refused, 0U);
    EXPECT_GT(model.memory.pages[0].taken + model.memory.pages[2].taken, 0U);
    EXPECT_GT(model.memory.blocks_from_system, 0U);
    EXPECT_EQ(real.latency.count(), played.arenas().size());
    EXPECT_GT(real.page_faults, 0U);
  }
}

TEST(Replay, ManyThreadsInTheModelTakeWhatRealThreadsDo) {
  trace const played = some_trace(4, 6'000, 2);
  simulation const model = simulate(played, {});
  replay_report const real = replay(played, {}, pace::full_speed);
  for (std::size_t c = 0; c < page_pool_options::classes; ++c) {
    expect_near(model.memory.pages[c].taken, real.memory.pages[c].taken, "pages taken");
  }
  expect_near(model.memory.handed_out_bytes, real.memory.handed_out_bytes, "handed out");
  expect_near(model.memory.tail_waste_bytes + model.memory.room_bytes,
              real.memory.tail_waste_bytes + real.memory.room_bytes, "wasted");
}

struct depot_traffic {
  std::string what;
  std::uint64_t times;
};
std::vector<depot_traffic> traffic_of(memory_figures const& memory) {
  std::vector<depot_traffic> all{{"blocks from the cache", memory.blocks_from_cache}};
  for (std::size_t c = 0; c < page_pool_options::classes; ++c) {
    class_figures const& of = memory.pages[c];
    std::string const name = "pages of class " + std::to_string(c);
    all.push_back({name + " from beyond the magazines", of.from_depot + of.from_system});
    all.push_back({name + " from the depot", of.from_depot});
  }
  return all;
}

/// At the trace's times, threads go to the depot as they did when it was recorded, and as they do in the model: where
/// they get their processors at those times, so another program's load is given some tries.
TEST(Replay, ManyThreadsInTheModelGoToTheDepotAsOftenAsRealThreadsDo) {
  constexpr int tries = 8;
  trace const played = some_trace(4, 6'000, 8);
  replay_settings const settings{.pages = {.magazine_pages = {2, 2, 2}}, .epoch = std::chrono::nanoseconds{0}};
  simulation const model = simulate(played, settings);
  std::vector<depot_traffic> const expected = traffic_of(model.memory);
  std::uint64_t from_depot = 0;
  for (class_figures const& of : model.memory.pages) from_depot += of.from_depot;
  EXPECT_GT(from_depot, 2'000U) << "5 % of little would be nothing";
  EXPECT_GT(model.memory.blocks_from_cache, 400U);

  std::string far;
  for (int i = 0; i < tries; ++i) {
    std::vector<depot_traffic> const seen = traffic_of(replay(played, settings, pace::real_time).memory);
    far.clear();
    for (std::size_t at = 0; at < seen.size(); ++at) {
      if (near(expected[at].times, seen[at].times)) continue;
      far += seen[at].what + ": " + std::to_string(expected[at].times) + ", " + std::to_string(seen[at].times) + "\n";
    }
    if (far.empty()) return;
  }
  FAIL() << "in none of " << tries << " replays; in the last:\n" << far;
}

/// A burst, two minutes of nothing, one request. What the burst took is held as long as the settings say.
TEST(Replay, APauseCountsInWhatIsHeldOnAverage) {
  if (test::thread_sanitized) GTEST_SKIP() << "what ThreadSanitizer notes of memory is resident, too";
  trace_builder builder{test::some_settings()};
  std::vector<operation> const large(400, operation{.bytes = 10'000});  // 4 MB
  for (std::uint64_t i = 0; i < 16; ++i) builder.add_request("r", {.opened_ns = i, .closed_ns = 1'000}, large);
  builder.add_request("r", {.opened_ns = 120'000'000'000, .closed_ns = 120'000'001'000}, {large.data(), 1});
  trace const played = trace::from_bytes(builder.finish(), "x");
  auto const held = [&](std::uint32_t epochs) {
    replay_settings const settings{.pages = {.idle_floor_bytes = 0, .idle_epochs = epochs}, .threads = 1};
    simulation const model = simulate(played, settings);
    replay_report const real = replay(played, settings, pace::full_speed);
    auto const peak = static_cast<double>(model.memory.peak_committed_bytes);
    EXPECT_GT(peak, 60e6);
    EXPECT_GT(real.mean_resident_bytes, 0.8 * model.mean_committed_bytes) << epochs;
    EXPECT_LT(real.mean_resident_bytes, 1.2 * model.mean_committed_bytes + 4e6) << epochs;
    return model.mean_committed_bytes / peak;
  };
  EXPECT_NEAR(held(12), 0.1, 0.05);  // of 120 s
  EXPECT_NEAR(held(60), 0.5, 0.05);
}

TEST(Replay, OfAPartOfTheStepsTakesWhatTheseTake) {
  trace const played = some_trace(1, 1'000, 9);
  script const all{played};
  simulation const whole = simulate(played, {});
  EXPECT_TRUE(simulate(all, {}, all.steps.size()).memory == whole.memory);
  EXPECT_TRUE(simulate(all, {}, all.steps.size() + 1).memory == whole.memory);
  simulation const part = simulate(all, {}, all.steps.size() / 4);
  EXPECT_NEAR(static_cast<double>(part.memory.arenas), 250, 30);
  EXPECT_EQ(simulate(all, {}, 0).memory.arenas, 0U);
}

/// The settings differ in what they take, so that a replay which ignored them would be seen.
TEST(Replay, TakesItsSettings) {
  trace const played = some_trace(2, 1'000, 3);
  memory_figures const usual = simulate(played, {.first_class = 0}).memory;
  memory_figures const large = simulate(played, {.first_class = 2}).memory;
  EXPECT_LT(large.pages[0].taken, usual.pages[0].taken);
  EXPECT_GT(large.room_bytes, usual.room_bytes);
  memory_figures const growing = simulate(played, {.pages = {.growth_percent = 1'600}, .first_class = 0}).memory;
  EXPECT_GT(growing.pages[2].taken, usual.pages[2].taken);
  memory_figures const blocks = simulate(played, {.pages = {.largest_in_page_bytes = 8'192}, .first_class = 0}).memory;
  EXPECT_GT(blocks.blocks_from_system + blocks.blocks_from_cache,
            2 * (usual.blocks_from_system + usual.blocks_from_cache));
  memory_figures const lean =
      simulate(played, {.pages = {.idle_cap_bytes = 0, .idle_floor_bytes = 0}, .first_class = 0}).memory;
  EXPECT_GT(lean.pages[0].from_system, usual.pages[0].from_system);
  memory_figures const one_thread = simulate(played, {.first_class = 0, .threads = 1}).memory;
  EXPECT_LT(one_thread.pages[0].from_system, usual.pages[0].from_system) << "one thread's magazines";
  memory_figures const tight =
      simulate(played, {.pages = {.max_bytes = std::size_t{2} << 20U}, .first_class = 0}).memory;
  EXPECT_GT(tight.refused, 0U);
  EXPECT_LE(tight.peak_committed_bytes, std::size_t{2} << 20U);
}

/// The whole way: a run of an executor, its trace, and the pages that the run took, which the model takes again.
TEST(Replay, OfARecordedRunTakesThePagesThatTheRunTook) {
  test::temporary_file const file{"run"};
  page_pool_stats ran;
  {
    recorder recording{file.path(), {.settings = test::some_settings()}};
    executor pool{{.workers = 1,
                   .page_options = {.recorder = &recording},
                   .trim_interval = std::chrono::seconds{0},
                   .observer = &recording}};
    std::mt19937_64 random{4};
    for (int i = 0; i < 1'000; ++i) {
      std::size_t const count = random() % 3'000;
      std::size_t const bytes = random() % 200;
      pool.submit("run",
                  [=](request_context& request) {
                    for (std::size_t n = 0; n < count; ++n) static_cast<void>(request.arena().allocate(bytes));
                  })
          .get();
    }
    ran = pool.pages().stats();
  }
  simulation const model = simulate(trace::read(file.path()), {.epoch = std::chrono::nanoseconds{0}, .threads = 1});
  for (std::size_t c = 0; c < page_pool_options::classes; ++c) {
    EXPECT_EQ(model.memory.pages[c].from_system, ran.classes[c].from_system) << c;
    EXPECT_EQ(model.memory.pages[c].from_depot, ran.classes[c].from_depot) << c;
  }
  EXPECT_EQ(model.memory.peak_committed_bytes, ran.peak_committed_bytes);
}

TEST(Replay, InRealTimeTakesAsLongAsTheTrace) {
  trace_builder builder{test::some_settings()};
  std::mt19937_64 random{5};
  for (std::uint64_t i = 0; i < 10; ++i) {
    builder.add_request("r", {.opened_ns = i * 20'000'000, .closed_ns = i * 20'000'000 + 1'000},
                        test::some_operations(random, 10));
  }
  trace const played = trace::from_bytes(builder.finish(), "x");
  EXPECT_GE(replay(played, {}, pace::real_time).took, std::chrono::milliseconds{180});
  EXPECT_LT(replay(played, {}, pace::full_speed).took, std::chrono::milliseconds{100});
}

/// As `mayfly run` records it: the thread that submits has a number, and no arena.
TEST(Replay, IsLedByAThreadThatHasArenas) {
  trace_builder builder{test::some_settings()};
  std::vector<operation> const large(400, operation{.bytes = 10'000});  // 4 MB
  for (std::uint64_t i = 0; i < 100; ++i) {
    std::uint64_t const at = i * 1'000'000'000;
    builder.add_request("r", {.opened_ns = at, .closed_ns = at + 1'000, .opened_by = 2, .closed_by = 2},
                        {large.data(), i == 0 ? large.size() : 1});
  }
  trace const played = trace::from_bytes(builder.finish(), "x");
  int asked = 0;
  replay_report const real = replay(played,
                                    {.pages = {.idle_floor_bytes = 0},
                                     .threads = 3,
                                     .progress =
                                         [&](double) {
                                           ++asked;
                                           return true;
                                         }},
                                    pace::full_speed);
  EXPECT_GT(real.mean_resident_bytes, 0);
  EXPECT_GT(real.memory.returned_bytes, 3'000'000U);
  EXPECT_GT(asked, 0);
}

/// Also where the next request is an hour away, of whoever leads or of another.
TEST(Replay, InRealTimeEndsSoonWhenItIsToldTo) {
  constexpr std::uint64_t hour_ns = 3'600'000'000'000;
  std::vector<operation> const one(1, operation{.bytes = 10});
  for (std::uint32_t const later : {0U, 1U}) {
    trace_builder builder{test::some_settings()};
    for (std::uint64_t const at : {0UL, 1'000UL, 2'000UL}) {
      builder.add_request("r", {.opened_ns = at, .closed_ns = at + 1, .opened_by = 0, .closed_by = 0}, one);
    }
    builder.add_request("r", {.opened_ns = hour_ns, .closed_ns = hour_ns + 1, .opened_by = later, .closed_by = later},
                        one);
    trace const played = trace::from_bytes(builder.finish(), "x");
    auto const began = std::chrono::steady_clock::now();
    auto const not_long = [&](double) {
      return std::chrono::steady_clock::now() - began < std::chrono::milliseconds{300};
    };
    EXPECT_FALSE(replay(played, {.threads = 2, .progress = not_long}, pace::real_time).whole);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{60});
  }
}

TEST(Replay, EndsWhereItIsTold) {
  trace const played = some_trace(2, 6'000, 6);
  double last = 0;
  replay_settings const settings{.progress = [&](double done) {
    EXPECT_GE(done, last);
    last = done;
    return done < 0.5;
  }};
  EXPECT_FALSE(simulate(played, settings).whole);
  EXPECT_GE(last, 0.5);
  EXPECT_LT(last, 1);
  last = 0;
  EXPECT_FALSE(replay(played, settings, pace::full_speed).whole);
  EXPECT_THROW(static_cast<void>(simulate(played, {.threads = 1'025})), std::invalid_argument);
}

}  // namespace
}  // namespace mayfly::trace
