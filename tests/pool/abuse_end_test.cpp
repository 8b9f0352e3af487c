#include "abuse_support.hpp"
#include "support.hpp"
#include <mayfly/executor.hpp>
#include <mayfly/task_group.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

// Executors that end, and processes that fork, while everything is busy; threads that come and go.
namespace {

using namespace std::chrono_literals;
using mayfly::admission_reason;
using mayfly::executor;
using mayfly::outcome_kind;
using mayfly::page_pool;
using mayfly::request_context;
using mayfly::scope_hold;
using mayfly::task_group;
using mayfly::test::endings;
using mayfly::test::expect_all_home;
using mayfly::test::wait_until;

constexpr std::size_t workers = 3;
constexpr std::size_t queued = 300;

/// What keeps every worker until their executor takes nothing more.
struct siege {
  std::latch running{2};
  std::latch all_taken{1};
  std::atomic<bool> filled{false};   // what is to wait behind has been submitted
  std::atomic<bool> refused{false};  // the end has begun
};

/// Two of these and a subtask of the first keep three workers, deaf to all. Then they submit until they are refused:
/// only handlers may submit to an executor whose destructor runs. They end with an exception, the subtask still
/// running.
void outlast(executor& pool, request_context& request, siege& all, bool first) {
  all.running.arrive_and_wait();  // before the worker that is to be kept comes to help
  task_group group{request};
  if (first) {
    group.run([&] {
      all.all_taken.count_down();
      wait_until([&] { return all.refused.load(); });
      std::memset(request.arena().allocate(50'000), 1, 50'000);
      throw 43;
    });
  }
  wait_until([&] { return all.filled.load(); });
  for (;;) {
    auto const answer = pool.try_submit({}, [](request_context&) {}, mayfly::test::ignore);
    if (answer.reason() == admission_reason::draining) break;
    std::this_thread::yield();
  }
  all.refused = true;
  throw 42;
}

void queued_work(request_context& request, std::size_t kind) {
  std::memset(request.arena().allocate(20'000), 1, 20'000);
  if (kind % 3 == 1)
    request.parallel_for(0, 8, [&](std::size_t) { std::memset(request.arena().allocate(1'000), 1, 1'000); });
  if (kind % 3 == 2) throw 42;
}

TEST(DestroyedWhileBusy, EndsWhatRunsWaitsIsCancelledOrIsHeldAndDropsTimers) {
  std::size_t const threads_before = mayfly::test::threads_of_this_process();
  page_pool pages;
  for (int round = 0; round < 5; ++round) {
    constexpr std::size_t held = 2 + queued;
    endings seen(held + 1);
    siege all;
    std::promise<scope_hold> hold;
    auto const timers = std::make_shared<int>(0);
    auto owner = std::make_unique<executor>(mayfly::executor_options{.workers = workers, .pages = &pages});
    executor& pool = *owner;
    seen.accept(held, pool.try_submit(
                          {},
                          [&](request_context& request) {
                            std::memset(request.arena().allocate(20'000), 7, 20'000);
                            hold.set_value(request.hold());
                          },
                          seen.noted(held)));
    scope_hold kept = hold.get_future().get();
    for (std::size_t i = 0; i < 2; ++i) {
      seen.accept(i,
                  pool.try_submit({}, [&, i](request_context& in) { outlast(pool, in, all, i == 0); }, seen.noted(i)));
    }
    all.all_taken.wait();  // what comes now waits
    for (std::size_t i = 2; i < held; ++i) {
      auto const admitted = pool.try_submit({}, [i](request_context& in) { queued_work(in, i); }, seen.noted(i));
      seen.accept(i, admitted);
      if (i % 5 == 0) {
        EXPECT_TRUE(pool.request_cancel(admitted.id()));
      }
    }
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(pool.spawn_after(1h, {}, [](request_context&, std::shared_ptr<int> const&) {}, timers));
    }
    all.filled = true;
    std::thread releaser([&, kept = std::move(kept)]() mutable {
      wait_until([&] { return all.refused.load(); });
      EXPECT_TRUE(kept) << "nobody but its holder lets it go";
      kept.release();
    });
    owner.reset();
    releaser.join();
    EXPECT_EQ(timers.use_count(), 1) << "no timer's arguments are left";
    EXPECT_EQ(seen.expect_one_each(), held + 1);
    EXPECT_EQ(seen.of(outcome_kind::cancelled), queued / 5);
    EXPECT_GE(seen.of(outcome_kind::exception), 2U);
    expect_all_home(pages);
  }
  mayfly::test::expect_threads(threads_before);
}

TEST(DestroyedWhileBusy, RightAfterSubmittersWereRefusedByADrainThatGaveUp) {
  page_pool pages;
  for (int round = 0; round < 10; ++round) {
    constexpr std::size_t each = 400;
    endings seen(3 * each);
    auto owner = std::make_unique<executor>(mayfly::executor_options{.workers = workers, .pages = &pages});
    executor& pool = *owner;
    std::atomic<std::size_t> submitted{0};
    std::vector<std::thread> submitters;
    for (std::size_t s = 0; s < 3; ++s) {
      submitters.emplace_back([&, s] {
        for (std::size_t i = s * each; i < (s + 1) * each; ++i) {
          auto const answer = pool.try_submit({}, [i](request_context& in) { queued_work(in, i); }, seen.noted(i));
          seen.accept(i, answer);
          ++submitted;
          if (answer.reason() == admission_reason::draining) return;
        }
      });
    }
    wait_until([&] { return submitted >= each / 4; });
    static_cast<void>(pool.drain(0ns, 0ns));  // cancels all, and does not wait for it
    for (auto& submitter : submitters) submitter.join();
    owner.reset();
    static_cast<void>(seen.expect_one_each());
    expect_all_home(pages);
  }
}

TEST(ThreadChurn, HundredsOfShortThreadsSubmitAndOthersReleaseWhatTheyHeld) {
  std::size_t const threads_before = mayfly::test::threads_of_this_process();
  page_pool pages;
  constexpr std::size_t waves = 60;
  constexpr std::size_t threads = 6;
  endings seen(waves * threads);
  {
    executor pool{{.workers = 3, .pages = &pages}};
    mayfly::test::time_to_spend const time;
    std::size_t wave = 0;
    for (; wave < waves && !time.spent(); ++wave) {
      std::vector<std::jthread> short_lived;
      for (std::size_t t = 0; t < threads; ++t) {
        short_lived.emplace_back([&, request = wave * threads + t] {
          std::promise<scope_hold> promise;
          auto const work = [&](request_context& in) {
            in.parallel_for(0, 8, [&](std::size_t) { std::memset(in.arena().allocate(5'000), 1, 5'000); });
            promise.set_value(in.hold());
            throw 42;
          };
          auto const admitted = pool.try_submit({}, work, seen.noted(request));
          seen.accept(request, admitted);
          std::jthread{[hold = promise.get_future().get()]() mutable { hold.release(); }}.join();
        });
      }
    }
    EXPECT_TRUE(pool.drain(1h, 1s).complete());
    EXPECT_EQ(seen.expect_one_each(), wave * threads);
    EXPECT_EQ(pool.stats().exceptions, wave * threads);
  }
  expect_all_home(pages);
  mayfly::test::expect_threads(threads_before);
}

TEST(ThreadChurn, ExecutorsComeAndGoInManyThreadsWithWorkInThem) {
  std::size_t const threads_before = mayfly::test::threads_of_this_process();
  page_pool pages;
  constexpr std::size_t rounds = 15;
  constexpr std::size_t requests = 20;
  endings seen(3 * rounds * requests);
  {
    std::vector<std::jthread> owners;
    for (std::size_t o = 0; o < 3; ++o) {
      owners.emplace_back([&, o] {
        for (std::size_t round = 0; round < rounds; ++round) {
          executor pool{{.workers = workers, .pages = &pages}};
          for (std::size_t i = 0; i < requests; ++i) {
            std::size_t const request = (o * rounds + round) * requests + i;
            seen.accept(request,
                        pool.try_submit({}, [i](request_context& in) { queued_work(in, i); }, seen.noted(request)));
          }
        }
      });
    }
  }
  EXPECT_EQ(seen.expect_one_each(), 3 * rounds * requests);
  expect_all_home(pages);
  mayfly::test::expect_threads(threads_before);
}

/// In a forked child: the number of the first thing that is not as it must be; 0: all is.
int look_at(std::unique_ptr<executor>& pool, mayfly::scope_id running) {
  auto const nothing = [](request_context&) {};
  if (pool->try_submit({}, nothing, mayfly::test::ignore).reason() != admission_reason::forked_child) return 1;
  if (pool->request_cancel(running) && pool->stats().in_flight == 0) return 2;
  if (mayfly::detail::sanitized) return 0;  // another thread may have had a lock of its heap at the fork
  if (pool->run({}, nothing).reason() != admission_reason::forked_child) return 3;
  try {
    pool->submit("x", nothing).get();
    return 4;
  } catch (mayfly::refused_error const& error) {
    if (std::string_view{error.what()}.find("fork") == std::string_view::npos) return 5;
  }
  if (!pool->drain(1h, 1h).complete()) return 6;  // at once: nothing ever runs here
  pool.reset();
  return 0;
}

TEST(ForkWhileBusy, TheChildIsRefusedEverythingAndTheParentMissesNothing) {
  page_pool pages;
  constexpr std::size_t most = 20'000;
  endings seen(2 * most);
  auto pool = std::make_unique<executor>(mayfly::executor_options{.workers = 2, .max_in_flight = 64, .pages = &pages});
  std::latch running(1);
  std::latch over(1);
  auto const runs = pool->try_submit(
      {},
      [&](request_context&) {
        running.count_down();
        over.wait();
      },
      mayfly::test::ignore);
  ASSERT_TRUE(runs);
  running.wait();
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> accepted{0};
  std::vector<std::jthread> submitters;
  for (std::size_t s = 0; s < 2; ++s) {
    submitters.emplace_back([&, s] {
      for (std::size_t i = 0; i < most && !stop; ++i) {
        std::size_t const request = s * most + i;
        auto const answer = pool->try_submit({}, [i](request_context& in) { queued_work(in, i); }, seen.noted(request));
        seen.accept(request, answer);
        accepted += answer ? 1 : 0;
        if (!answer) std::this_thread::yield();
      }
    });
  }
  for (std::size_t round = 1; round <= 10; ++round) {
    wait_until([&] { return accepted >= 10 * round; });
    pid_t const child = fork();
    if (child == 0) {
      alarm(100);
      _exit(look_at(pool, runs.id()));
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0) << "what look_at() numbers so";
  }
  stop = true;
  submitters.clear();
  over.count_down();
  EXPECT_TRUE(pool->drain(1h, 1s).complete());
  EXPECT_EQ(seen.expect_one_each(), accepted.load());
  EXPECT_EQ(pool->stats().completed(), accepted.load() + 1);
  pool.reset();
  expect_all_home(pages);
}

}  // namespace
