#include "interposed_threads.hpp"
#include "process_threads.hpp"
#include "support.hpp"
#include <mayfly/effect_handler.hpp>
#include <mayfly/executor.hpp>
#include <mayfly/page_pool.hpp>
#include <mayfly/task_group.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <latch>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

// The number of workers, changed while requests run.
namespace {

using namespace std::chrono_literals;
using mayfly::executor;
using mayfly::executor_options;
using mayfly::request_context;
using mayfly::test::failing_creation;
using mayfly::test::failing_from_then_on;
using mayfly::test::ignore;
using mayfly::test::roadblock;
using mayfly::test::thread_creations;
using mayfly::test::thread_names;
using mayfly::test::wait_until;

/// Worker threads of the executor that is called `name`, as the kernel knows them: NAME-0, NAME-1...
std::size_t worker_threads(std::string const& name) {
  auto const all = thread_names();
  return static_cast<std::size_t>(std::ranges::count_if(all, [&](std::string const& one) {
    return one.size() > name.size() + 1 && one.starts_with(name + "-") && one[name.size() + 1] <= '9';
  }));
}

void expect_threads(std::string const& name, std::size_t count) {
  wait_until([&] { return worker_threads(name) == count; });  // one that has ended may stay in /proc for a moment
}

TEST(Resize, ThreadsComeAndGo) {
  executor pool{{.workers = 1, .max_workers = 4, .name = "comes"}};
  EXPECT_EQ(pool.workers(), 1U);
  EXPECT_EQ(worker_threads("comes"), 1U);
  for (std::size_t const count : {4U, 2U, 3U, 1U, 4U}) {
    std::size_t const before = pool.workers();
    pool.set_workers(count);
    if (count > before) {
      EXPECT_EQ(worker_threads("comes"), count) << "all run when the call returns";
    }
    expect_threads("comes", count);
    EXPECT_EQ(pool.workers(), count);
    EXPECT_EQ(pool.stats().workers, count);
    EXPECT_EQ(pool.stats().leaving, 0U);
    EXPECT_EQ(pool.run({}, [](request_context&) { return 7; }).value(), 7);
  }
}

TEST(Resize, NumbersOutsideTheRangeAreRefused) {
  executor pool{{.workers = 2, .max_workers = 3}};
  EXPECT_THROW(pool.set_workers(0), std::invalid_argument);
  EXPECT_THROW(pool.set_workers(4), std::invalid_argument);
  EXPECT_EQ(pool.workers(), 2U);
  EXPECT_THROW((executor{{.workers = 3, .max_workers = 2}}), std::invalid_argument);
  EXPECT_THROW((executor{{.workers = 1, .max_workers = executor_options::most_workers + 1}}), std::invalid_argument);
  executor fixed{{.workers = 2}};
  EXPECT_EQ(fixed.options().max_workers, 2U);
  EXPECT_THROW(fixed.set_workers(3), std::invalid_argument);
  executor chosen{{.max_workers = 1}};
  EXPECT_EQ(chosen.workers(), 1U) << "as many as there are processors, but no more than that";
}

TEST(Resize, AnIdleWorkerGoesWhileABusyOneKeepsItsThread) {
  executor pool{{.workers = 2, .name = "busy"}};
  for (int round = 0; round < 10; ++round) {  // whichever of the two it is
    roadblock block(pool);
    pool.set_workers(1);
    expect_threads("busy", 1);
    EXPECT_EQ(pool.stats().leaving, 0U);
    auto answer = pool.submit("behind", [](request_context&) { return 1; });
    block.open();
    EXPECT_EQ(answer.get(), 1);
    pool.set_workers(2);
  }
}

TEST(Resize, WhoIsToEndAndHasNotStaysWhenWantedAgain) {
  executor pool{{.workers = 3}};
  roadblock block(pool, 3);
  pool.set_workers(1);
  EXPECT_EQ(pool.stats().leaving, 2U);
  thread_creations = 0;
  pool.set_workers(3);
  EXPECT_EQ(thread_creations.load(), 0);
  EXPECT_EQ(pool.stats().leaving, 0U);
  block.open();
  roadblock const again(pool, 3);  // all three are there
}

TEST(Resize, WhoIsBusyEndsAfterItsRequest) {
  executor pool{{.workers = 3, .name = "later"}};
  {
    roadblock const block(pool, 3);
    pool.set_workers(1);
    EXPECT_EQ(worker_threads("later"), 3U);
  }
  expect_threads("later", 1);
  EXPECT_EQ(pool.run({}, [](request_context&) { return 1; }).value(), 1);
}

TEST(Resize, FiguresAndRoutesOutliveTheirWorker) {
  executor pool{{.workers = 3, .name = "known"}};
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(pool.run({.route = "known"},
                         [](request_context& request) { static_cast<void>(request.arena().allocate(1'000)); })
                    .has_value());
  }
  wait_until([&] { return pool.stats().values == 100; });  // a caller has its answer a moment before it is counted
  pool.set_workers(1);
  expect_threads("known", 1);
  EXPECT_EQ(pool.stats().values, 100U);
  ASSERT_EQ(pool.routes().size(), 1U);
  EXPECT_EQ(pool.routes()[0].requests, 100U);
  pool.set_workers(3);
  EXPECT_EQ(pool.stats().values, 100U);
}

TEST(Resize, APageThatAWorkerHadAtHandGoesToTheDepot) {
  executor pool{{.workers = 2, .name = "pages", .trim_interval = 0s}};
  auto const at_hand = [&] { return pool.account().pages.of(mayfly::memory_place::magazines).pieces; };
  {
    std::latch both(2);
    std::vector<std::future<void>> ends;
    for (int i = 0; i < 2; ++i) {
      ends.push_back(pool.submit("page", [&](request_context& request) {
        static_cast<void>(request.arena().allocate(1));
        both.arrive_and_wait();
      }));
    }
    for (auto& end : ends) end.get();
  }
  wait_until([&] { return at_hand() == 2; });  // one each, when their requests have ended
  pool.set_workers(1);
  // It is at hand no more a moment before it is in the depot.
  wait_until([&] { return pool.account().pages.of(mayfly::memory_place::depot).pieces == 1; });
  EXPECT_EQ(at_hand(), 1U);
}

TEST(Resize, AThreadThatCannotBeMadeLeavesWhatThereWas) {
  executor pool{{.workers = 2, .max_workers = 5, .name = "fails"}};
  for (bool const for_ever : {false, true}) {
    for (int k = 1; k <= 3; ++k) {
      thread_creations = 0;
      failing_from_then_on = for_ever;
      failing_creation = k;
      try {
        pool.set_workers(5);
        ADD_FAILURE() << "creation " << k << " failed and nobody noticed";
      } catch (std::system_error const& error) {
        EXPECT_EQ(error.code().value(), EAGAIN);
      }
      failing_creation = 0;
      EXPECT_EQ(pool.workers(), 2U);
      expect_threads("fails", 2);
      {
        roadblock const both(pool, 2);
      }
    }
  }
  pool.set_workers(5);
  roadblock const all(pool, 5);
}

TEST(Resize, AFailureKeepsTheOldNumberAlsoWhereSomeWereToEnd) {
  executor pool{{.workers = 3, .max_workers = 4, .name = "owed"}};
  roadblock block(pool, 3);
  pool.set_workers(2);
  thread_creations = 0;
  failing_creation = 1;
  EXPECT_THROW(pool.set_workers(4), std::system_error) << "one is kept, the other cannot be made";
  failing_creation = 0;
  EXPECT_EQ(pool.workers(), 2U);
  EXPECT_EQ(pool.stats().leaving, 1U);
  block.open();
  expect_threads("owed", 2);
}

/// An embedder's scopes, of which only the workers' begin and end matter.
class counted_effects final : public mayfly::effect_handler {
 public:
  struct counts {
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};
    std::atomic<int> failing{0};  ///< the one that throws, counted from 1
  };
  explicit counted_effects(counts& of, bool workers = false) : of_(of), workers_(workers) {}
  ~counted_effects() override {
    if (workers_) ++of_.ended;
  }
  mayfly::scope_id enter_request_scope() override { return {}; }
  void exit_request_scope(mayfly::scope_id) noexcept override {}
  std::unique_ptr<mayfly::effect_handler> spawn_for_worker() override {
    if (++of_.begun == of_.failing.load()) throw std::runtime_error("no effects for you");
    return std::make_unique<counted_effects>(of_, true);
  }

 private:
  counts& of_;
  bool workers_;
};

TEST(Resize, EachThreadHasEffectsOfItsOwnAndOneThatGetsNoneIsAFailure) {
  counted_effects::counts counts;
  counted_effects effects(counts);
  executor pool{{.workers = 1, .max_workers = 3, .name = "effects", .effects = &effects}};
  pool.set_workers(3);
  EXPECT_EQ(counts.begun.load(), 3);
  pool.set_workers(1);
  wait_until([&] { return counts.ended.load() == 2; });
  counts.failing = 5;  // the second of the next two
  EXPECT_THROW(pool.set_workers(3), std::runtime_error);
  EXPECT_EQ(pool.workers(), 1U);
  expect_threads("effects", 1);
  pool.set_workers(3);
  roadblock const all(pool, 3);
}

TEST(Resize, AHandlerMayDoIt) {
  executor pool{{.workers = 1, .max_workers = 4, .name = "inside"}};
  auto const sets = [&](std::size_t count) {
    return pool
        .run({},
             [&](request_context&) {
               pool.set_workers(count);
               return pool.workers();
             })
        .value();
  };
  for (std::size_t const count : {4U, 1U, 3U, 2U, 4U, 1U}) {
    EXPECT_EQ(sets(count), count);
    expect_threads("inside", count);
  }
}

TEST(Resize, HandlersMayAllDoItAtOnce) {
  executor pool{{.workers = 2, .max_workers = 4, .name = "crowd"}};
  mayfly::test::time_to_spend const time;
  std::vector<std::future<void>> ends;
  std::minstd_rand random(static_cast<unsigned>(mayfly::test::seed()));
  for (int i = 0; i < 1'000 && !time.spent(); ++i) {
    std::size_t const count = 1 + random() % 4;
    ends.push_back(pool.submit("resizes", [&pool, count](request_context&) { pool.set_workers(count); }));
  }
  for (auto& end : ends) end.get();
  pool.set_workers(2);
  expect_threads("crowd", 2);
}

TEST(Resize, WhoHelpsWithNestedWorkIsFetched) {
  executor pool{{.workers = 4, .name = "nested"}};
  std::latch all(4);
  std::latch open(1);
  auto end = pool.submit("nested", [&](request_context& request) {
    mayfly::task_group group(request);
    for (int i = 0; i < 3; ++i) group.run([&] { all.arrive_and_wait(); });
    all.arrive_and_wait();
    open.wait();  // the region goes on, and three threads wait in it for more
    group.wait();
  });
  all.wait();
  pool.set_workers(1);
  expect_threads("nested", 1);
  open.count_down();
  end.get();
}

TEST(Resize, NewWorkersHelpWithNestedWorkThatRuns) {
  executor pool{{.workers = 1, .max_workers = 4}};
  std::latch all(4);
  auto const result = pool.run({}, [&](request_context& request) {
    pool.set_workers(4);
    request.parallel_for(0, 4, [&](std::size_t) { all.arrive_and_wait(); });
  });
  EXPECT_TRUE(result.has_value());
}

TEST(Resize, TheEndMayComeWhileAHandlerDoesIt) {
  std::size_t const before = mayfly::test::threads_of_this_process();
  for (int round = 0; round < 20; ++round) {
    auto pool = std::make_unique<executor>(executor_options{.workers = 2, .max_workers = 4});
    std::latch running(2);
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(pool->try_submit(
          {},
          [&running, &of = *pool](request_context&) {
            running.arrive_and_wait();
            for (std::size_t count = 1; count <= 40; ++count) of.set_workers(1 + count % 4);
          },
          ignore));
    }
    running.wait();
    pool.reset();
  }
  EXPECT_TRUE(mayfly::test::settles_at(before));
}

}  // namespace
